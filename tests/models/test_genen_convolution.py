"""The layers of Genen's graph networks, against their papers' equations in dense NumPy."""

import numpy as np
import pytest
import torch
from scipy import sparse

from evals.genen.rivals.convolution import Gat, Gcn
from evals.genen.rivals.propagation import adjacency, strongest, symmetric
from evals.genen.rivals.reach import Reach, SparseMatrix, WeighedSum
from evals.genen.rivals.training import NETWORKS, relational, residual
from tests.models.genen_examples import graph_of, inputs_of, interactions, planted

PAIRS = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4), (5, 6)]
GENES = 8  # the last has no edge
ROWS = np.array([4, 0, 7])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def dense_operator():
    """Return D^-1/2 (A + I) D^-1/2 as Kipf & Welling define it."""
    a = np.eye(GENES)
    for i, j in PAIRS:
        a[i, j] = a[j, i] = 1
    d = np.diag(a.sum(1) ** -0.5)
    return d @ a @ d


def numbers(parameter):
    return parameter.detach().numpy().astype(np.float64)


def relu(x):
    return np.maximum(x, 0)


def test_the_operator_is_that_of_kipf_and_welling():
    found = symmetric(adjacency(graph_of(GENES, interactions(PAIRS)), weighted=False))
    np.testing.assert_allclose(found.toarray(), dense_operator(), rtol=1e-6)


def test_gcn_is_three_layers_of_the_published_equation(rng):
    x = rng.normal(size=(GENES, 5))
    a = dense_operator()
    reach = Reach.of(sparse.csr_array(a.astype(np.float32)), ROWS, 2)
    outer = torch.from_numpy((a @ x)[reach.nodes[-1]].astype(np.float32))
    network = Gcn(reach, outer, 2, torch.Generator().manual_seed(1)).eval()
    for bias in (network.first.bias, network.middle.bias, network.last.bias):
        bias.data.normal_(generator=torch.Generator().manual_seed(2))
    first = relu(a @ x @ numbers(network.first.weight).T + numbers(network.first.bias))
    middle = network.middle
    second = relu(a @ first @ numbers(middle.project.weight).T + numbers(middle.bias))
    last = network.last
    wanted = a @ second @ numbers(last.project.weight).T + numbers(last.bias)
    np.testing.assert_allclose(numbers(network()), wanted[ROWS], rtol=1e-4, atol=1e-5)


def attended(layer, x, a):
    """Return what a layer of Velickovic et al. gives every node `(nodes, heads * width)`."""
    heads = []
    projected = (x @ numbers(layer.project.weight).T).reshape(len(x), layer.heads, layer.width)
    for head in range(layer.heads):
        h = projected[:, head]
        towards, away = h @ numbers(layer.towards)[head], h @ numbers(layer.away)[head]
        e = towards[:, None] + away[None, :]
        e = np.where(e > 0, e, 0.2 * e)
        raised = np.where(a > 0, np.exp(e), 0)
        heads.append(raised / raised.sum(1, keepdims=True) @ h)
    return np.concatenate(heads, axis=1)


def test_gat_is_two_layers_of_the_published_equations(rng):
    x = rng.normal(size=(GENES, 5)) * 3
    a = dense_operator()
    reach = Reach.of(sparse.csr_array(a.astype(np.float32)), ROWS, 2)
    inner = torch.from_numpy(x[reach.nodes[-1]].astype(np.float32))
    network = Gat(reach, inner, 2, torch.Generator().manual_seed(1)).eval()
    first = attended(network.first, x, a)
    first = np.where(first > 0, first, np.expm1(first))
    wanted = attended(network.last, first, a)[ROWS]
    np.testing.assert_allclose(numbers(network()), wanted, rtol=1e-4, atol=1e-5)


def test_the_relational_network_sums_over_relations_and_learned_channels(rng):
    features = rng.random((len(PAIRS), 2)) + 0.1
    graph = graph_of(GENES, interactions(PAIRS, features=features))
    inputs = inputs_of(graph, rng.normal(size=(GENES, 5)))
    network = relational(inputs, ROWS)(2, torch.Generator().manual_seed(1)).eval()
    network.channel[0].data.normal_(generator=torch.Generator().manual_seed(2))
    weight = np.log1p(np.exp(numbers(network.channel[0])))
    operators = []
    for channel in range(2):
        a = np.zeros((GENES, GENES))
        for (i, j), value in zip(PAIRS, features[:, channel], strict=True):
            a[i, j] = a[j, i] = value
        operators.append(a / np.maximum(a.sum(1, keepdims=True), 1e-9))
    told = inputs.gene_x - inputs.gene_x.mean(0)
    x = told / np.sqrt((told**2).mean())

    def layer(h, itself, of, shares):
        mixed = sum(share * a for share, a in zip(shares, operators, strict=True))
        own = h @ numbers(itself.weight).T + numbers(itself.bias)
        return relu(own + mixed @ h @ numbers(of.weight).T)

    first = layer(x, network.itself, network.first[0], weight[0])
    second = layer(first, network.again, network.second[0], weight[1])
    leave = network.leave
    wanted = np.concatenate([first, second], 1) @ numbers(leave.weight).T + numbers(leave.bias)
    np.testing.assert_allclose(numbers(network()), wanted[ROWS], rtol=1e-4, atol=1e-5)


def test_the_residual_network_adds_layers_and_reads_all_of_them(rng):
    weight = rng.random(len(PAIRS)) * 0.9 + 0.1
    inputs = inputs_of(graph_of(GENES, interactions(PAIRS, weight)), rng.normal(size=(GENES, 5)))
    network = residual(inputs, ROWS)(1, torch.Generator().manual_seed(1)).eval()
    a = np.eye(GENES)
    for (i, j), value in zip(PAIRS, weight, strict=True):
        a[i, j] = a[j, i] = value
    a /= np.sqrt(np.outer(a.sum(1), a.sum(1)))
    told = inputs.gene_x - inputs.gene_x.mean(0)
    x = told / np.sqrt((told**2).mean())
    enter, leave = network.enter, network.leave
    states = [relu(np.concatenate([x, a @ x], 1) @ numbers(enter.weight).T + numbers(enter.bias))]
    for layer in network.layers:
        projected = states[-1] @ numbers(layer.weight).T + numbers(layer.bias)
        states.append(states[-1] + relu(a @ projected))
    wanted = np.concatenate(states, 1) @ numbers(leave.weight).T + numbers(leave.bias)
    np.testing.assert_allclose(numbers(network()), wanted[ROWS], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("predictor", NETWORKS, ids=lambda p: p.name)
def test_what_is_out_of_reach_is_left_out_and_changes_nothing(predictor, rng):
    inputs, _ = planted(rng, genes=60, inside=0.05)
    few, all_rows = np.array([7, 3]), np.arange(60)
    outputs = [
        predictor.prepare(inputs, rows)(2, torch.Generator().manual_seed(1)).eval()()
        for rows in (few, all_rows)
    ]
    torch.testing.assert_close(outputs[0], outputs[1][few], rtol=1e-4, atol=1e-5)


def test_gradients_pass_a_sparse_product(rng):
    matrix = sparse.random_array((4, 6), density=0.5, rng=rng, dtype=np.float32).tocsr()
    x, dense_x = (torch.ones(6, 3, requires_grad=True) for _ in range(2))
    up = torch.from_numpy(rng.normal(size=(4, 3)).astype(np.float32))
    (SparseMatrix(matrix) @ x * up).sum().backward()
    (torch.from_numpy(matrix.toarray()) @ dense_x * up).sum().backward()
    torch.testing.assert_close(x.grad, dense_x.grad)


def test_gradients_of_a_weighed_sum_reach_weights_and_sources(rng):
    matrix = sparse.random_array((4, 6), density=0.5, rng=rng, dtype=np.float32).tocsr()
    edges = WeighedSum(matrix)
    start = [rng.normal(size=s).astype(np.float32) for s in ((2, matrix.nnz), (2, 6, 3), (2, 4, 3))]
    weights, x, up = (torch.from_numpy(part) for part in start)
    found = [part.clone().requires_grad_() for part in (weights, x)]
    (edges(*found) * up).sum().backward()
    wanted = [part.clone().requires_grad_() for part in (weights, x)]
    gathered = wanted[0][:, :, None] * wanted[1][:, edges.source]
    summed = torch.zeros(2, 4, 3).index_add(1, edges.target, gathered)
    (summed * up).sum().backward()
    torch.testing.assert_close(edges(weights, x), summed.detach())
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_only_the_heaviest_edges_of_a_node_are_kept():
    matrix = sparse.csr_array(np.array([[0, 0.5, 0.9, 0.7], [0.1, 0, 0, 0]], np.float32))
    kept = strongest(matrix, 2).toarray()
    np.testing.assert_array_equal(kept, np.float32([[0, 0, 0.9, 0.7], [0.1, 0, 0, 0]]))
