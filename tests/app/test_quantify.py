"""`knockwise quantify`: mates by name, a plan first, one sample at a time, and clear refusals."""

import gzip
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

READ = "@r1\nACGTACGTAC\n+\nIIIIIIIIII\n"
# Stands for kallisto: tells its version, and writes what it would write.
KALLISTO = """#!/bin/sh
echo "$@" >> "$FAKE_LOG"
if [ "$1" = version ]; then echo "kallisto, version 9.9"; exit 0; fi
if [ "$1" = index ]; then echo idx > "$3"; exit 0; fi
case "$*" in *broken*) echo "not enough memory"; exit 3;; esac
mkdir -p "$5"
printf 'target_id\\tlength\\teff_length\\test_counts\\ttpm\\n' > "$5/abundance.tsv"
printf 'T1.2\\t9\\t9\\t4\\t40\\nT2.1\\t9\\t9\\t6\\t60\\n' >> "$5/abundance.tsv"
printf 'T3.1\\t9\\t9\\t2\\t20\\n' >> "$5/abundance.tsv"
echo '{"n_processed": 20, "n_pseudoaligned": 8}' > "$5/run_info.json"
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A folder with reads and transcripts, and a PATH that holds a stand-in for kallisto alone."""
    programs, reads = tmp_path / "bin", tmp_path / "reads"
    programs.mkdir()
    reads.mkdir()
    (programs / "kallisto").write_text(KALLISTO)
    (programs / "kallisto").chmod(0o755)
    for needed in ("sh", "mkdir"):
        (programs / needed).symlink_to(shutil.which(needed))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "calls"))
    (tmp_path / "cdna.fa").write_text(">T1.2\nACGT\n>T2.1\nACGT\n")
    for name in ("a_S1_L001_R1_001", "a_S1_L001_R2_001", "a_S1_L002_R1_001", "a_S1_L002_R2_001",
                 "b_1", "b_2", "a_S1_L001_I1_001"):  # fmt: skip
        with gzip.open(reads / f"{name}.fastq.gz", "wt") as handle:
            handle.write(READ)
    return tmp_path


def calls(lab):
    path = lab / "calls"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def test_the_plan_is_shown_and_nothing_runs_without_yes(knockwise, lab):
    told = knockwise("quantify", lab / "reads", "--transcripts", lab / "cdna.fa",
                     "--out", lab / "out")  # fmt: skip
    assert told.exit_code == 0, told.output
    assert "2 samples, counted by kallisto" in told.stdout
    assert "a_S1 (pairs, 2 lanes)" in told.stdout
    assert "Index reads are left out" in told.stdout
    assert not (lab / "out").exists()
    assert calls(lab) == []
    plan = json.loads(
        knockwise("quantify", lab / "reads", "--transcripts", lab / "cdna.fa", "--out", lab / "out",
                  "--json", "--dry-run", "--yes").stdout
    )  # fmt: skip
    assert plan["schema"] == "knockwise/quantify-plan/1"
    names = [Path(word).name for word in plan["samples"][0]["steps"][-1]["command"][-4:]]
    assert [name[5:12] for name in names] == ["L001_R1", "L001_R2", "L002_R1", "L002_R2"]


def test_counts_are_written_by_transcript_and_gene_and_a_second_run_counts_nothing(knockwise, lab):
    genes = lab / "genes.tsv"
    genes.write_text("transcript\tgene\nT1\tGENE1\nT2.1\tGENE1\n")
    asked = ("quantify", lab / "reads", "--transcripts", lab / "cdna.fa", "--out", lab / "out",
             "--tx2gene", genes, "--yes")  # fmt: skip
    told = knockwise(*asked)
    assert told.exit_code == 0, told.output
    table = pd.read_csv(lab / "out" / "gene_counts.tsv", sep="\t", index_col=0)
    assert table.loc["GENE1"].to_dict() == {"a_S1": 10, "b": 10}
    assert "1 of 3 transcripts have no gene" in told.stdout
    assert "only 40 % of its 20 reads" in told.stdout
    record = json.loads((lab / "out" / "quantify.json").read_text())
    assert record["versions"] == {"kallisto": "kallisto, version 9.9"}
    sample = json.loads((lab / "out" / "samples" / "b" / "sample.json").read_text())
    assert len(sample["sha256"]) == 2
    first = calls(lab)
    assert first.count("quant") == 2
    assert knockwise(*asked).exit_code == 0
    assert calls(lab)[len(first) :] == ["version"]


def test_a_failed_sample_is_told_with_its_log_and_the_others_are_kept(knockwise, lab):
    for mate in "12":
        shutil.copy(lab / "reads" / "b_1.fastq.gz", lab / "reads" / f"broken_{mate}.fastq.gz")
    told = knockwise("quantify", lab / "reads", "--transcripts", lab / "cdna.fa",
                     "--out", lab / "out", "--yes")  # fmt: skip
    assert told.exit_code == 2
    said = " ".join(told.stderr.split())
    assert "kallisto failed to count (exit 3: not enough memory)" in said
    assert (
        Path(re.search(r"its log is (\S+)\.$", said)[1]).read_text().strip()
        == said[said.index("not enough") : said.index(")")]
    )
    assert sorted(p.name for p in (lab / "out" / "samples").iterdir() if p.is_dir())[-2:] == [
        "a_S1", "b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--tool", "salmon", "--yes"), "salmon is not installed (kallisto, --tool kallisto"),
        (("--trim", "--yes"), "`apt-get install fastp`"),
        (("--fragment-sd", "2"), "--fragment-length and --fragment-sd together"),
    ],
)
def test_what_is_missing_is_told_in_a_sentence(knockwise, lab, more, said):
    told = knockwise("quantify", lab / "reads", "--transcripts", lab / "cdna.fa",
                     "--out", lab / "out", *more)  # fmt: skip
    assert told.exit_code == 2
    assert said in " ".join(told.stderr.split())


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("c_2.fastq", READ, "has 0 files of first and 1 of second reads"),
        ("c.fastq", "", "is empty"),
        ("c.fastq", ">seq\nACGT\n", "does not begin with @"),
        ("c.fastq", "@r\nACGT\n+\nII\n", "cut off or damaged"),
        ("c.fastq", READ, "c has single reads, for which kallisto must be told"),
        ("c.bam", READ, "does not end in .fastq"),
    ],
)
def test_reads_that_cannot_be_counted_are_refused(knockwise, lab, name, text, said):
    (lab / name).write_text(text)
    told = knockwise("quantify", lab / name, "--transcripts", lab / "cdna.fa", "--out", lab / "out")
    assert told.exit_code == 2
    assert said in " ".join(told.stderr.split())


def test_a_folder_of_another_run_is_left_alone(knockwise, lab):
    (lab / "out").mkdir()
    (lab / "out" / "notes.txt").write_text("mine")
    told = knockwise("quantify", lab / "reads", "--transcripts", lab / "cdna.fa",
                     "--out", lab / "out", "--yes")  # fmt: skip
    assert told.exit_code == 2
    assert "holds something else" in told.stderr


@pytest.mark.data
@pytest.mark.parametrize("tool", ["kallisto", "salmon"])
def test_counts_of_simulated_reads_are_those_they_were_made_of(
    knockwise, data_mirror, tmp_path, tool
):
    """Read names carry the RefSeq transcript; which of ours that is, the sequences tell."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    folder = data_mirror / "bulk" / "fastq_kallisto_test"
    fasta = folder / "transcripts.fasta.gz"
    told = knockwise("quantify", folder, "--transcripts", fasta, "--out", tmp_path / "out",
                     "--tool", tool, "--no-trim", "--threads", "1", "--yes")  # fmt: skip
    assert told.exit_code == 0, told.output
    counts = pd.read_csv(tmp_path / "out" / "transcripts.tsv", sep="\t", index_col=0)["reads"]
    found, made = true_counts(folder, fasta)
    ours = [counts[name] for name in found]
    assert np.corrcoef(ours, made)[0, 1] > 0.99


def true_counts(folder, fasta):
    """The transcripts that reads are of, and how many reads of each were made."""
    with gzip.open(fasta, "rt") as handle:
        parts = handle.read().split(">")[1:]
    sequences = {p.split()[0]: "".join(p.split("\n")[1:]) for p in parts}
    with gzip.open(folder / "reads_1.fastq.gz", "rt") as handle:
        lines = handle.read().splitlines()
    made, votes = Counter(), {}
    turned = str.maketrans("ACGT", "TGCA")
    for name, read in zip(lines[::4], lines[1::4], strict=True):
        true = name.split(":")[1]
        made[true] += 1
        if made[true] <= 60:
            either = (read, read.translate(turned)[::-1])
            here = [t for t, s in sequences.items() if any(one in s for one in either)]
            votes.setdefault(true, Counter()).update(here)
    named = {true: vote.most_common(1)[0][0] for true, vote in votes.items() if vote}
    total = Counter()
    for true, count in made.items():
        if true in named:
            total[named[true]] += count
    return list(total), list(total.values())
