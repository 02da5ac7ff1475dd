"""The tools of the MCP server, one file per subject; the order is that of the client's list."""

from typing import Any

from app.mcp.call import Call
from app.mcp.calls.ask import ASK, READ
from app.mcp.calls.cascade import CASCADE
from app.mcp.calls.compare import COMPARE
from app.mcp.calls.expression import EXPRESS
from app.mcp.calls.genes import GENE, PHENOTYPE
from app.mcp.calls.lists import EXPLAIN, FIND, WHO
from app.mcp.calls.plan import PLAN
from app.mcp.calls.predict import PREDICT

CALLS: tuple[Call[Any], ...] = (
    ASK,
    READ,
    PREDICT,
    CASCADE,
    EXPLAIN,
    WHO,
    FIND,
    COMPARE,
    PLAN,
    EXPRESS,
    PHENOTYPE,
    GENE,
)
