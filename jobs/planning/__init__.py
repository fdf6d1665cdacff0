"""What a job would take, before it is started: time by part, memory, and which way to share the model is best.

`costs` and `choices` are plain arithmetic on plain values; `knowledge` reads what this fleet has measured, `reasons`
says it in sentences, `forecasts` keeps what was predicted of a job and holds it against what came.
"""
