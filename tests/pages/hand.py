"""The stage hand: reads `{"do": name, "with": arguments}` lines, does `story.<name>`, writes `{"answer": …}` lines."""

import json
import sys
import traceback

import django

django.setup()

from tests.pages import story  # noqa: E402 - the apps must be loaded


def main() -> None:
    out = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        wish = json.loads(line)
        try:
            answer = {"answer": getattr(story, wish["do"])(**wish["with"])}
        except Exception:
            answer = {"error": traceback.format_exc()}
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
