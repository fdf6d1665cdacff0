"""Tables: what their bytes are, what their columns are, what there is to learn."""

import io
import json

import pyarrow
import pytest
from pyarrow import parquet

from recipes.sandbox.inside import Refused
from tests.catalog.data_factories import SENTENCES, read, texts_csv


def numbers_csv(rows: int = 60, delimiter: str = ",", point: str = ".") -> str:
    lines = [delimiter.join(("id", "size", "colour", "ripe", "price"))]
    for n in range(rows):
        cells = (
            str(n),
            f"{n % 7}{point}5",
            ("red", "green", "")[n % 3],
            ("yes", "no")[n % 2],
            f"{n * 13 % 100}{point}25",
        )
        lines.append(delimiter.join(cells))
    return "\n".join(lines)


def detected(found) -> dict:
    return {name: value for name, value in found.schema["detected"].items() if name != "columns"}


def test_a_csv_of_texts_and_labels_is_a_text_classification(tmp_path):
    found = read(tmp_path, texts_csv().encode(), "reviews.csv")
    assert (found.task, found.schema["kind"], found.schema["classes"]) == (
        "text-classification",
        "text",
        ["bad", "good"],
    )
    item = found.items["row 1"]
    assert (item.data, item.target) == ({"text": f"{SENTENCES[0]} 0"}, {"label": 1})
    assert detected(found) == {
        "encoding": "utf-8",
        "delimiter": "comma",
        "decimal": "point",
        "header": True,
        "text_column": "text",
        "label_column": "label",
    }
    assert found.schema["lengths"]["max"] == len(found.items["row 40"].data["text"])


@pytest.mark.parametrize(
    ("encoding", "text", "found_as"),
    [
        ("utf-8-sig", "schön", "utf-8-sig"),
        ("utf-16", "schön", "utf-16"),
        ("gb18030", "这部电影非常好看", "gb18030"),
        ("cp1252", "C’est très bien, déjà vu à l’été", "cp1252"),
    ],
)
def test_encodings_are_found_and_nothing_is_lost(tmp_path, encoding, text, found_as):
    header = "文本,标签\n" if encoding == "gb18030" else "text,label\n"
    lines = "".join(f"{text} {n},{'好坏'[n % 2] if encoding == 'gb18030' else 'ab'[n % 2]}\n" for n in range(30))
    found = read(tmp_path, (header + lines).replace(f"{text} ", f'"{text}" ').encode(encoding), "a.csv")
    assert detected(found)["encoding"] == found_as
    assert any(text in item.data["text"] for item in found.items.values())


def test_an_encoding_that_is_asked_for_and_wrong_is_refused_with_the_place(tmp_path):
    with pytest.raises(Refused, match=r"The text is not ascii: line 2 has bytes .* Choose another"):
        read(tmp_path, texts_csv().replace("joy", "jöy").encode(), "a.csv", encoding="ascii")
    cut = texts_csv().encode("utf-16")[:-1]
    with pytest.raises(Refused, match="The text is not utf-16: line 41 has"):
        read(tmp_path, cut, "a.csv")
    with pytest.raises(Refused, match="zero bytes"):
        read(tmp_path, texts_csv().replace("joy", "j\0y").encode(), "a.csv")


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiters_are_found_and_crlf_is_no_data(tmp_path, delimiter):
    data = texts_csv(delimiter=delimiter).replace("\n", "\r\n").encode()
    found = read(tmp_path, data, "a.csv")
    assert detected(found)["delimiter"] == {";": "semicolon", "\t": "tab", "|": "pipe"}[delimiter]
    assert found.schema["classes"] == ["bad", "good"]


def test_decimal_commas_are_found_and_ids_are_left_out(tmp_path):
    found = read(tmp_path, numbers_csv(delimiter=";", point=",").encode(), "fruit.csv")
    assert found.task == "tabular-regression"
    assert detected(found) == {
        "encoding": "utf-8",
        "delimiter": "semicolon",
        "decimal": "comma",
        "header": True,
        "label_column": "price",
        "left_out": ["id"],
    }
    assert found.items["row 2"].data == {"values": [1.5, "green", False]}
    assert found.items["row 2"].target == {"value": 13.25}
    assert [column["type"] for column in found.schema["columns"]] == ["number", "category", "boolean"]
    assert found.schema["columns"][1]["missing"] == 20
    assert read(tmp_path, numbers_csv().encode(), "fruit.csv").items["row 2"].target == {"value": 13.25}


@pytest.mark.parametrize(("written", "delimiter"), [("1.{:03},50", ";"), ('"1,{:03}.50"', ","), ("1,{:03}.50", ";")])
def test_thousands_that_are_set_apart_are_read_where_a_fraction_follows(tmp_path, written, delimiter):
    rows = "".join(f"{n % 7}{delimiter}{written.format(n)}\n" for n in range(40))
    found = read(tmp_path, f"size{delimiter}price\n{rows}".encode(), "a.csv")
    assert found.task == "tabular-regression"
    assert found.items["row 3"].target == {"value": 1002.5}


def test_thousands_without_a_fraction_stay_text_because_they_could_be_less_than_two(tmp_path):
    rows = "".join(f'{n % 7},"1,{n % 5:03}",{"ab"[n % 2]}\n' for n in range(40))
    found = read(tmp_path, f"size,people,y\n{rows}".encode(), "a.csv")
    assert {column["name"]: column["type"] for column in found.schema["columns"]}["people"] == "category"


def test_the_label_column_can_be_chosen(tmp_path):
    found = read(tmp_path, numbers_csv().encode(), "fruit.csv", label_column="ripe")
    assert (found.task, found.schema["classes"]) == ("tabular-classification", ["no", "yes"])
    with pytest.raises(Refused, match=r"no column 'weight'. The columns are: id, size"):
        read(tmp_path, numbers_csv().encode(), "fruit.csv", label_column="weight")


def test_rows_of_another_length_are_listed_and_empty_ends_are_no_fields(tmp_path):
    data = texts_csv() + "too,many,fields\nonly one\nwell and good,good,,\n"
    found = read(tmp_path, data.encode(), "a.csv")
    assert found.reasons == {
        "row 41": "Number of fields in the row: 3; columns of the table: 2.",
        "row 42": "Number of fields in the row: 1; columns of the table: 2.",
    }
    assert found.items["row 43"].data == {"text": "well and good"}
    with pytest.raises(Refused, match="Stopped, as you asked, at 'row 41': Number of fields in the row: 3"):
        read(tmp_path, data.encode(), "a.csv", unreadable="stop")


def test_rows_are_numbered_as_they_lie_and_empty_ones_are_listed(tmp_path):
    lines = ["", *texts_csv().splitlines()]
    lines[3:3] = ["", ","]  # rows 2 and 3 below the header
    lines[6:6] = ["one field only"]
    found = read(tmp_path, "\n".join(lines).encode(), "a.csv")
    assert found.reasons == {
        "row 3": "The row is empty.",
        "row 5": "Number of fields in the row: 1; columns of the table: 2.",
    }
    assert found.items["row 4"].data == {"text": f"{SENTENCES[1]} 1"}
    assert found.schema["unreadable_count"] == 2
    assert len(found.items) == 40


@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n', "SEP=;\n"])
def test_the_line_with_which_excel_names_its_separator_is_understood(tmp_path, first):
    found = read(tmp_path, (first + texts_csv(delimiter=";")).encode(), "a.csv")
    assert detected(found)["delimiter"] == "semicolon"
    assert found.schema["classes"] == ["bad", "good"]
    assert found.items["row 1"].data == {"text": f"{SENTENCES[0]} 0"}


def test_rows_without_label_or_text_are_listed(tmp_path):
    found = read(tmp_path, (texts_csv() + "no label here,\n,good\nnot known,N/A\n").encode(), "a.csv")
    assert found.reasons == {
        "row 41": "The row has no label.",
        "row 42": "The text is empty.",
        "row 43": "The row has no label.",
    }


def test_numbers_as_text_are_numbers_and_codes_stay_text(tmp_path):
    rows = [{"size": f" {n % 9} ", "zip": f"0{n % 4}123", "y": "ab"[n % 2]} for n in range(40)]
    found = read(tmp_path, "\n".join(map(json.dumps, rows)).encode(), "a.jsonl")
    assert [(column["name"], column["type"]) for column in found.schema["columns"]] == [
        ("size", "number"),
        ("zip", "category"),
    ]
    assert found.items["row 4"].data == {"values": [3, "03123"]}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("text,label\na b c,good\nd e f,good\n", "only one class"),
        ("text\n", "names of columns, and no rows below them"),
        ("a,b\r\n\r\n", "names of columns, and no rows below them"),
    ],
)
def test_tables_with_nothing_to_learn_are_refused(tmp_path, rows, sentence):
    with pytest.raises(Refused, match=sentence):
        read(tmp_path, rows.encode(), "a.csv")


def test_several_labels_in_a_row_are_refused_by_their_column(tmp_path):
    lines = [json.dumps({"text": f"{SENTENCES[n % 2]} {n}", "label": ["a", "b"][: 1 + n % 2]}) for n in range(20)]
    with pytest.raises(Refused, match=r"'label' holds lists\. A row has one label here"):
        read(tmp_path, "\n".join(lines).encode(), "a.jsonl")


def test_a_table_without_a_header_gets_names(tmp_path):
    found = read(tmp_path, "\n".join(f"{n % 5}.5,{n},{'ab'[n % 2]}" for n in range(40)).encode(), "a.csv")
    assert detected(found)["header"] is False
    assert found.task == "tabular-classification"
    assert [column["name"] for column in found.schema["columns"]] == ["column 1", "column 2"]


def test_prompts_with_answers_become_messages(tmp_path):
    rows = [{"instruction": f"Add {n} and", "input": f"{n + 1}", "output": f"It is {2 * n + 1}"} for n in range(20)]
    found = read(tmp_path, json.dumps(rows).encode(), "a.json")
    assert found.task == "causal-lm"
    assert found.items["row 2"].data["messages"] == [
        {"role": "user", "content": "Add 1 and\n2"},
        {"role": "assistant", "content": "It is 3"},
    ]


def test_conversations_are_taken_and_bad_ones_listed(tmp_path):
    good = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    rows = [{"messages": [*good, {"role": "user", "content": str(n)}]} for n in range(12)]
    rows += [{"messages": [{"role": "robot", "content": "x"}]}, {"messages": good[:1]}]
    found = read(tmp_path, "\n".join(map(json.dumps, rows)).encode(), "a.jsonl")
    assert (found.task, len(found.items)) == ("causal-lm", 12)
    assert "needs a role" in found.reasons["row 13"]
    assert "no answer" in found.reasons["row 14"]


def test_lines_that_are_no_json_are_listed(tmp_path):
    lines = [json.dumps({"text": f"{SENTENCES[n % 2]} {n}", "label": n % 2}) for n in range(20)]
    found = read(tmp_path, "\n".join([*lines, "{broken", "[1]"]).encode(), "a.jsonl")
    assert (found.task, found.schema["classes"]) == ("text-classification", ["0", "1"])
    assert "not JSON" in found.reasons["row 21"]
    assert "no JSON object" in found.reasons["row 22"]
    with pytest.raises(Refused, match="not JSON"):
        read(tmp_path, b"[" * 100_000, "a.json")


def test_parquet_is_read_and_a_damaged_one_refused(tmp_path):
    content = io.BytesIO()
    columns = {"text": [f"{SENTENCES[n % 2]} {n}" for n in range(30)], "label": [n % 2 for n in range(30)]}
    parquet.write_table(pyarrow.table(columns), content)
    found = read(tmp_path, content.getvalue(), "a.parquet")
    assert (found.task, len(found.items)) == ("text-classification", 30)
    with pytest.raises(Refused, match="Parquet file is damaged"):
        read(tmp_path, content.getvalue()[:200], "a.parquet")


def test_a_split_column_and_files_named_for_splits_are_kept(tmp_path):
    lines = "".join(f"{SENTENCES[n % 2]} {n},{'ab'[n % 2]},{'train' if n < 20 else 'test'}\n" for n in range(30))
    found = read(tmp_path, f"text,label,split\n{lines}".encode(), "a.csv")
    assert found.result["splits"]["test"]["count"] == 10
    other = texts_csv(20).replace("film", "play").replace("story", "plot")
    both = read(tmp_path, {"train.csv": texts_csv().encode(), "test.csv": other.encode()})
    assert (both.result["splits"]["test"]["count"], both.schema["split_rule"]) == (20, "completed")
    assert "test.csv, row 1" in both.items
    with pytest.raises(Refused, match="have different columns"):
        read(tmp_path, {"train.csv": texts_csv().encode(), "test.csv": numbers_csv().encode()})


def test_groups_stay_in_one_split(tmp_path):
    lines = "".join(f"{SENTENCES[n % 2]} {n},{'ab'[n % 2]},writer {n // 4}\n" for n in range(80))
    found = read(tmp_path, f"text,label,writer\n{lines}".encode(), "a.csv", group_column="writer")
    splits: dict[str, set[str]] = {}
    for item in found.items.values():
        splits.setdefault(item.group, set()).add(item.split)
    assert len(splits) == 20
    assert all(len(names) == 1 for names in splits.values())
    assert {name for names in splits.values() for name in names} == {"train", "validation", "test"}
