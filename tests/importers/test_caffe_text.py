"""Protobuf's text format: every form that is read, every syntax error with its line, damaged files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.importers.caffe_message import Message
from int8sim.importers.caffe_prototxt import parse, read_prototxt
from int8sim.model.errors import ModelTextError, NotAModelError

from .caffe_models import refused

SCALARS = [
    ('a: "x"', "text", "x"),
    ("a: 'x \"y\"'", "text", 'x "y"'),
    ('a: "one" \'two\'\n  # between\n "three"', "text", "onetwothree"),
    (r'a: "\t\\\"\x41\102\303\251"', "text", '\t\\"AB\u00e9'),
    ('a: "caf\u00e9"', "text", "caf\u00e9"),
    ("a: 3", "integer", 3),
    ("a:-3", "integer", -3),
    ("a : - 3 ;", "integer", -3),
    ("a: 0x1F,", "integer", 31),
    ("a: 017", "integer", 15),
    ("a: -0", "integer", 0),
    ("a: 1e-5f", "real", 9.999999747378752e-06),
    ("a: -.5F", "real", -0.5),
    ("a: 3.", "real", 3.0),
    ("a: 2", "real", 2.0),
    ("a: 1E+2", "real", 100.0),
    ("a: inf", "real", float("inf")),
    ("a: -inf", "real", float("-inf")),
    ("a: MAX", "word", "MAX"),
]


@pytest.mark.parametrize(("text", "kind", "value"), SCALARS)
def test_scalars(text, kind, value):
    assert getattr(parse(text, "file"), kind)("a") == value


@pytest.mark.parametrize("word", ["true", "True", "t", "1"])
def test_true(word):
    assert parse(f"a: {word}", "file").boolean("a", False)
    assert not parse(f"a: {word}", "file").boolean("b", False)


@pytest.mark.parametrize("word", ["false", "False", "f", "0"])
def test_false(word):
    assert not parse(f"a: {word}", "file").boolean("a", True)


def test_an_enumeration_by_word_and_by_number():
    message = parse("pool: AVE other: 2", "file")
    assert message.choice("pool", ("MAX", "AVE"), "MAX") == "AVE"
    assert message.choice("other", ("A", "B", "C"), "A") == "C"
    assert message.choice("absent", ("A", "B", "C"), "A") == "A"


@pytest.mark.parametrize("text", ["m { a: 1 }", "m: { a: 1 }", "m < a: 1 >", "m: <a:1>", "m[{a:1}]", "m : [ <a: 1,> ]"])
def test_messages(text):
    assert parse(text, "file").message("m").integer("a") == 1


def test_repeated_fields_and_lists_are_the_same():
    assert parse("a: 1 a: [2, 3] a: [] a: 4", "file").integers("a") == [1, 2, 3, 4]
    assert [m.integer("b") for m in parse("a { b: 1 } a: [{ b: 2 }, { b: 3 }]", "file").messages("a")] == [1, 2, 3]


def test_what_is_absent_is_empty():
    message = parse("# only a comment", "file")
    assert message.texts("a") == message.integers("a") == message.messages("a") == []
    assert message.message("a").real("b", 0.1) == 0.10000000149011612


def test_lines_of_values():
    message = parse('# one\n\na: 1\nm {\n  b: "x"\n}\n', "file")
    assert (message.line_of("a"), message.line_of("m"), message.message("m").line_of("b")) == (3, 4, 5)


ERRORS = [
    (f"a: {'9' * 200_000}x", 1, "'99999999999999999999' is no field"),
    ("a: 1\nb", 2, "the end of the file where : or {"),
    ("a: 1\nb c: 1", 2, "'c' where : or {"),
    ("a {\n b: 1\n", 3, "the } of line 1,"),
    ("a { b: 1 >", 1, "'>' where a field, or the }"),
    ("a: }", 1, "'}' where a value"),
    ("a:\n- x", 2, "'x' where a number"),
    ("a: [1 2]", 1, "'2' where , or ]"),
    ("a: 1\n}", 2, "'}' where a field"),
    ('a: 1\nb: "x', 2, "'\"x' is no field, value or mark"),
    ("a: 'x\ny'", 1, "is no field"),
    ("\n\na: 1$", 3, "'$' is no field"),
    ("a: 12ab", 1, "'12ab' is no field"),
    (r'a: "\q"', 1, "is no field"),
    (r'a: "\377"', 1, "is not UTF-8"),
    ("[caffe]: 1", 1, "'[' where a field"),
    ("a {" * 101 + "}" * 101, 1, "nested more than 100 deep"),
]


@pytest.mark.parametrize(("text", "line", "problem"), ERRORS)
def test_syntax_errors_name_file_and_line(text, line, problem):
    with pytest.raises(ModelTextError) as caught:
        parse(text, "some.prototxt")
    assert (caught.value.path, caught.value.line) == ("some.prototxt", line)
    assert str(caught.value).startswith(f"some.prototxt: line {line}: ")
    assert problem in str(caught.value)


MISFITS = [
    ("a: 1", lambda m: m.text("a"), "field a is 1; a string in quotes is needed"),
    ('a: "1"', lambda m: m.integer("a"), "field a is '1'; an integer is needed"),
    ("a: 1.5", lambda m: m.integer("a"), "field a is 1.5; an integer is needed"),
    ("a: 0", lambda m: m.integer("a", low=1), "field a is 0; an integer of 1 or more is needed"),
    ("a: x", lambda m: m.real("a"), "field a is x; a number is needed"),
    ("a: 2", lambda m: m.boolean("a", True), "field a is 2; true or false is needed"),
    ("a: MIN", lambda m: m.choice("a", ("MAX", "AVE"), "MAX"), "field a is MIN; one of MAX, AVE is needed"),
    ('a: "MAX"', lambda m: m.choice("a", ("MAX", "AVE"), "MAX"), "one of MAX, AVE is needed"),
    ("a: 1", lambda m: m.message("a"), "field a is 1; a message in braces is needed"),
    ("a {}", lambda m: m.integer("a"), "field a is a message; an integer is needed"),
    ("a: 1 a: 2", lambda m: m.integer("a"), "field a is given a second time"),
    ("b: 1", lambda m: m.integer("a"), "lacks the field a"),
]


@pytest.mark.parametrize(("text", "ask", "problem"), MISFITS)
def test_fields_of_another_kind(text, ask, problem):
    with pytest.raises(ModelTextError, match="line 1: ") as caught:
        ask(parse(text, "some.prototxt"))
    assert problem in str(caught.value)


NAMES = st.sampled_from(["a", "b_2", "Cd"])
LEAVES = st.integers(-(2**31), 2**32) | st.floats(width=32, allow_nan=False) | st.text(max_size=8) | st.booleans()
TREES = st.recursive(
    st.lists(st.tuples(NAMES, LEAVES), max_size=3), lambda t: st.lists(st.tuples(NAMES, LEAVES | t), max_size=3)
)


def written(tree, style: int) -> str:
    """The tree in one of two ways to write it."""
    lines = []
    for name, value in tree:
        if isinstance(value, list):
            lines.append(
                f"{name}: <{written(value, style)}>" if style else f"{name} {{ # deeper\n{written(value, style)} }}"
            )
        elif isinstance(value, str):
            quoted = "".join(f"\\{byte:03o}" for byte in value.encode())
            lines.append(f"{name}:'{quoted[:4]}' \"{quoted[4:]}\"" if style else f'{name}: "{quoted}"')
        else:
            lines.append(f"{name}: {str(value).lower() if isinstance(value, bool) else repr(value)}")
    return (";" if style else "\n").join(lines)


def same(message: Message, tree) -> bool:
    for name in {name for name, _ in tree}:
        expected = [value for key, value in tree if key == name]
        for found, value in zip(message.fields[name], expected, strict=True):
            match value:
                case list():
                    assert isinstance(found, Message)
                    assert same(found, value)
                case str():
                    assert (found.kind, found.text) == ("string", value)
                case bool():
                    assert (found.kind, found.text) == ("word", str(value).lower())
                case int():
                    assert int(found.text) == value
                case float():
                    assert float(found.text) == value
    return set(message.fields) == {name for name, _ in tree}


@given(TREES, st.integers(0, 1))
def test_any_tree_survives_writing_and_reading(tree, style):
    assert same(parse(written(tree, style), "file"), tree)


@given(st.text(alphabet='ab:{}<>[]",;-1.#\n\\ ', max_size=40))
def test_any_text_is_read_or_refused(text):
    refusal = refused(lambda: parse(text, "file"))
    assert refusal is None or 1 <= refusal.line <= text.count("\n") + 1


def test_files(tmp_path):
    path = tmp_path / "net.prototxt"
    with pytest.raises(NotAModelError, match="No such file"):
        read_prototxt(path)
    path.write_bytes(b'\xef\xbb\xbf# comment in GBK: \xd6\xd0\r\nname: "x"\r\n')
    assert read_prototxt(path).text("name") == "x"
    path.write_bytes(b'a: 1\nname: "\xd6\xd0"')
    with pytest.raises(ModelTextError, match=r"line 2: the string .* is not UTF-8"):
        read_prototxt(path)
