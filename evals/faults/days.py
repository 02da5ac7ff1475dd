"""Bad days that no damaged file makes: odd arguments, odd settings, odd tables, odd folders."""

from collections.abc import Iterator

from evals.faults.run import PAIRS, QUESTION, Fault

_HEAD = "pert,gene,cell_line\n"
TABLES: dict[str, bytes] = {
    "empty": b"",
    "binary": bytes(range(256)) * 8,
    "header only": _HEAD.encode(),
    "no header": b"HSPA5,DDIT3,K562\n",
    "open quote": _HEAD.encode() + b'HSPA5,DDIT3,"K562\nATF4,DDIT3,K562\n',
    "long field": _HEAD.encode() + b"HSPA5,DDIT3," + b"K" * 200_000 + b"\n",
    "missing values": f"{_HEAD}NA,DDIT3,K562\nHSPA5,NaN,K562\n".encode(),
    "controls": f"{_HEAD}ctrl,DDIT3,K562\nHSPA5+ctrl,DDIT3,K562\n".encode(),
    "suffixes": f"{_HEAD}HSPA5_KO,DDIT3,K562\nsgATF4_2,DDIT3,K562\n".encode(),
    "dates": f"{_HEAD}1-Mar,DDIT3,K562\nHSPA5,2-Sep,K562\n".encode(),
    "numbers": f"{_HEAD}225,DDIT3,K562\n1,52,K562\n".encode(),
    "formulas": f'{_HEAD}=1+1,DDIT3,K562\n"@SUM(A1)",DDIT3,K562\n'.encode(),
    "UTF-16": PAIRS.encode("utf-16"),
    "UTF-16 without a mark": PAIRS.encode("utf-16-le"),
    "Latin-1": f"{_HEAD}HSPA5,DDIT3,K562\n".encode() + b"\xe9\xff,DDIT3,K562\n",
    "semicolons": PAIRS.replace(",", ";").encode(),
    "tabs": PAIRS.replace(",", "\t").encode(),
    "mixed delimiters": b"pert;gene,cell_line\nHSPA5;DDIT3,K562\n",
    "NUL bytes": PAIRS.replace("HSPA5", "HS\0PA5").encode(),
    "gzip cut": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03abc",
    "zip": b"PK\x03\x04junk",
    "HDF5": b"\x89HDF\r\n\x1a\njunk",
    "parquet": b"PAR1junkPAR1",
    "surplus fields": f"{_HEAD}HSPA5,DDIT3,K562,a,b,c\n".encode(),
    "missing fields": f"{_HEAD}HSPA5\nHSPA5,DDIT3\n".encode(),
    "twice the same column": b"pert,pert,gene,cell_line\nHSPA5,ATF4,DDIT3,K562\n",
    "a million commas": _HEAD.encode() + b"," * 1_000_000,
    "MAGeCK": b"id\tnum\tneg|score\tpos|score\nHSPA5\t4\t1\t1\n",
    "DESeq2": b",baseMean,log2FoldChange,lfcSE,stat,pvalue,padj\nHSPA5,1,1,1,1,1,1\n",
    "carriage returns": PAIRS.replace("\n", "\r").encode(),
}
QUESTIONS: dict[str, str] = {
    "nothing": " ",
    "very long": "HSPA5 " * 5_000,
    "escapes": "Knock out \x1b[31mHSPA5\x1b[0m in K562",
    "no gene": "What happens when it rains?",
    "another line": "Knock out HSPA5 in HeLa",
    "markup": "Knock out <script>HSPA5</script> in K562",
    "braces": "Knock out {{HSPA5}} %s $HOME in K562",
    "right to left": "Knock out \u202eHSPA5 in K562",
    "surrogates": "Knock out HSPA5 \udcff in K562",
    "combining": "Knock out HSPA5" + "\u0301" * 500 + " in K562",
    "emoji": "Knock out 🧬 in 🧫",
    "many genes": "Knock out " + " and ".join(["HSPA5", "ATF4", "TP53", "MYC"] * 20) + " in K562",
}
SETTINGS: dict[str, dict[str, str]] = {
    "no such setting": {"KNOCKWISE_REASONR": "llm"},
    "no number": {"KNOCKWISE_CASCADE__WIDTH": "many"},
    "no JSON": {"KNOCKWISE_CASCADE": "{"},
    "no address": {"KNOCKWISE_LLM__BASE_URL": "nonsense", "KNOCKWISE_REASONER": "llm"},
    "nobody there": {
        "KNOCKWISE_LLM__BASE_URL": "http://127.0.0.1:9/v1",
        "KNOCKWISE_REASONER": "llm",
    },
    "a key of two lines": {
        "KNOCKWISE_LLM__BASE_URL": "http://127.0.0.1:9/v1",
        "KNOCKWISE_LLM__API_KEY": "sk\nsk",
        "KNOCKWISE_REASONER": "llm",
    },
    "data is a file": {"KNOCKWISE_DATA": "/dev/null"},
    "runs is a file": {"KNOCKWISE_RUNS": "/dev/null"},
    "runs is a kernel folder": {"KNOCKWISE_RUNS": "/proc/1/fdinfo/runs"},
    "a long name": {"KNOCKWISE_RUNS": "/tmp/" + "x" * 300},
    "no encoder": {"KNOCKWISE_ENCODER": "no-such-encoder"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
}


def tables() -> Iterator[Fault]:
    """Yield every odd table, refused and with unknown rows kept, to both kinds of file."""
    for name, content in TABLES.items():
        files = {"pairs.csv": content}
        for more in ((), ("--skip-unknown",), ("--out", "out.csv"), ("--out", "out.parquet")):
            words = ("predict", "--pairs", "pairs.csv", *more)
            yield Fault(f"table: {name} {' '.join(more)}".strip(), words, files)


def questions() -> Iterator[Fault]:
    """Yield every odd question."""
    for name, text in QUESTIONS.items():
        yield Fault(f"question: {name}", ("ask", "--quiet", text))


def settings() -> Iterator[Fault]:
    """Yield every odd setting."""
    for name, variables in SETTINGS.items():
        yield Fault(f"setting: {name}", ("ask", "--quiet", QUESTION), variables=variables)
        yield Fault(f"setting: {name}: runs", ("runs",), variables=variables)


def arguments() -> Iterator[Fault]:
    """Yield outputs that are inputs, names that are none, and files of other kinds."""
    pairs = {"pairs.csv": PAIRS.encode()}
    predict = ("predict", "--pairs", "pairs.csv", "--out")
    for out in ("pairs.csv", "./pairs.csv", "x" * 300 + ".csv", "no/folder/out.csv", "out.xlsx"):
        yield Fault(f"out: {out[:20]}", (*predict, out), pairs)
    for name in ("x" * 300, "../" * 2_000, "no-such-run", "/dev/null", "/proc/self/mem"):
        yield Fault(f"run: {name[:20]}", ("ask", "--resume", name))
        yield Fault(f"report: {name[:20]}", ("report", name))
    for name in ("missing.csv", ".", "/dev/null", "/proc/self/mem", "x" * 300):
        yield Fault(f"pairs: {name[:20]}", ("predict", "--pairs", name))
        yield Fault(f"fasta: {name[:20]}", ("phenotype", "--fasta", name))
        yield Fault(f"model: {name[:20]}", ("express", "--list", "--model", name))
    for word in ("NA", "nan", "ctrl", "KO", "", "+", "A+B", "225", "HSPA5\udcff", "=1+1"):
        yield Fault(f"pert: {word!r}", ("predict", "--pert", word, "--readout", "DDIT3"))
        yield Fault(f"express: {word!r}", ("express", "--pert", word, "--context", "papalexi"))
    for text in (b"", b">", b">a\n", b">a\nACGT" * 40, b"\xff\xfe>\x00a\x00", b">a\n" + b"M" * 50):
        yield Fault(f"fasta of {text[:9]!r}", ("phenotype", "--fasta", "a.fa"), {"a.fa": text})
