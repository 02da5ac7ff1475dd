import gzip
import io
import zipfile

import pytest

DESEQ = """"","baseMean","log2FoldChange","lfcSE","stat","pvalue","padj"
"DDIT3",120,2.4,0.2,12,1e-30,1e-28
"HERPUD1",220,1.9,0.2,9,1e-20,1e-18
"LDLR",900,-0.5,0.1,-5,1e-4,1e-3
"ACTB",9000,0.02,0.1,0.1,0.9,0.95
"""
DONE = {"do": "explain", "pert": "bip", "kind": "knockout", "cell_line": "K562"}


def sent(visitor, content, name="result.csv"):
    return visitor.post("/lists", files={"file": (name, content)})


def test_a_table_is_shown_as_it_was_read_and_explained(visitor):
    address = sent(visitor, DESEQ.encode()).headers["location"]
    page = visitor.get(address).text
    assert "Read as a result of DESeq2: 4 rows, 7 columns" in page
    assert "log2FoldChange" in page
    page = visitor.get(address, params=DONE).text
    assert "HSPA5 ↓ → ATF6 ↑ → DDIT3 ↑" in page
    assert "of 3 changed genes lie on a signed path" in page
    assert "result.csv" in page


def test_typed_genes_are_explained_too(visitor):
    address = visitor.post("/lists", {"words": "DDIT3+ HERPUD1+ LDLR-"}).headers["location"]
    assert "HSPA5 ↓ → ATF6 ↑ → HERPUD1 ↑" in visitor.get(address, params=DONE).text


def test_who_would_produce_a_list_is_ranked(visitor):
    typed = {"words": "DDIT3+ HERPUD1+ ATF4+ XBP1+ HSPA5+ SEL1L+ LDLR-"}
    address = visitor.post("/lists", typed).headers["location"]
    page = visitor.get(address, params={"do": "who", "cell_line": "K562"}).text
    assert "What would produce the list" in page
    assert "candidates in K562" in page


def test_the_hits_of_a_screen_are_explained_by_what_it_was_sorted_by(visitor):
    columns = "id,num,neg|score,neg|p-value,neg|fdr,neg|rank,neg|goodsgrna,neg|lfc,pos|score,"
    columns += "pos|p-value,pos|fdr,pos|rank,pos|goodsgrna,pos|lfc"
    rows = [f"{gene},4,0.9,0.9,0.9,9,0,1.5,0.001,0.001,0.01,1,4,1.5" for gene in ("SREBF2", "SCAP")]
    rows += [f"{gene},4,0.9,0.9,0.9,9,0,0.1,0.9,0.9,0.9,9,0,0.1" for gene in ("ACTB", "GAPDH")]
    table = "\n".join([columns, *rows]) + "\n"
    address = sent(visitor, table.encode()).headers["location"]
    assert "Explain its hits" in visitor.get(address).text
    done = {"do": "explain", "pert": "LDLR", "sorted_for": "low", "cell_line": "HepG2"}
    assert "SREBF2" in visitor.get(address, params=done).text


def test_what_was_done_has_to_be_said(visitor):
    address = visitor.post("/lists", {"words": "DDIT3+"}).headers["location"]
    for wrong in ({"pert": ""}, {"pert": "NOTAGENE"}, {"kind": "x"}, {"cell_line": "HeLa"},
                  {"alpha": "7"}):  # fmt: skip
        page = visitor.get(address, params={**DONE, **wrong})
        assert page.status_code == 200
        assert 'role="alert"' in page.text
        assert "A fault of ours" not in page.text


def bomb():
    """A gzip file of some hundred kB that would be 400 MB."""
    whole = io.BytesIO()
    with gzip.open(whole, "wb", compresslevel=6) as out:
        line = b"DDIT3,1.0,0.5\n" * 80_000
        out.write(b"gene,lfc,padj\n")
        for _ in range(360):
            out.write(line)
    return whole.getvalue()


def one_line():
    """A gzip file whose first line would be 4 GB long, were it read."""
    whole = io.BytesIO()
    with gzip.open(whole, "wb", compresslevel=6) as out:
        for _ in range(400):
            out.write(b"a," * (1 << 20))
    return whole.getvalue()


def archive():
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("table.csv", b"0" * (64 << 20))
    return whole.getvalue()


PICKLE = b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93."


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (bomb, "rows"),
        (one_line, "columns|field is too long|limits|memory"),
        (archive, "archive|field is too long"),
        (lambda: b"\x89HDF\r\n\x1a\n" + PICKLE, "HDF5"),
        (lambda: PICKLE, "pickle"),
        (lambda: b"PAR1" + b"\x00" * 100 + b"PAR1", "cannot be read|parquet"),
        (lambda: b"", "empty"),
        (lambda: b"\x1f\x8b\x08" + b"\x00" * 40, "cannot be read"),
        (lambda: b",".join(b"c%d" % n for n in range(900)) + b"\n", "400 columns"),
    ],
)
def test_a_file_that_is_no_small_table_is_refused(visitor, house, content, why):
    import re

    answer = sent(visitor, content(), "x.h5ad")
    assert answer.status_code == 422
    said = re.search(r'role="alert">(.*?)</p>', answer.text, re.S)[1]
    assert re.search(why, said), said
    assert str(house.runs) not in answer.text
    assert not list((house.runs / "uploads").iterdir())


def test_a_file_of_many_hundred_megabytes_is_refused_before_it_is_kept(visitor, house):
    def huge():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        for _ in range(300):
            yield b"DDIT3,1\n" * (1 << 17)

    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = visitor._sent("POST", "/lists", headers=kind, content=huge())
    assert answer.status_code in (400, 413, 422)
    assert not (house.runs / "uploads").exists()


def test_names_and_cells_with_markup_stay_text(visitor):
    nasty = "<script>alert(1)</script>"
    table = f"gene,log2FoldChange,padj\n{nasty},1,0.001\nDDIT3,2,0.001\n"
    address = sent(visitor, table.encode(), f"../../{nasty}.csv").headers["location"]
    for page in (visitor.get(address).text, visitor.get(address, params=DONE).text):
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page
        assert "../.." not in page


def test_lists_are_their_owners_and_the_oldest_go(serve, house):
    door = serve(invitation="come-in")
    one, other = door.entered("come-in"), door.entered("come-in")
    addresses = [
        one.post("/lists", {"words": f"DDIT3+ GENE{n}"}).headers["location"] for n in range(22)
    ]
    assert one.get(addresses[-1]).status_code == 200
    assert "no longer here" in other.get(addresses[-1]).text
    assert "no longer here" in one.get(addresses[0]).text
    for name in ("0" * 16, "%2e%2e", "%2e%2e%2f%2e%2e", "x"):
        answer = one.get(f"/lists/{name}")
        assert answer.status_code in (303, 404, 422), name
