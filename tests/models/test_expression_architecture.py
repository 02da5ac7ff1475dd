import numpy as np
import pytest
import torch

from evals.expression.rivals.architecture import AdaptivePerturbPredictor, AppConfig

GENES, READOUTS = 7, 5
PAIRS = np.array([[0, 1], [0, 2], [1, 2], [2, 3], [4, 5]])  # gene 6 stands alone
EDGES = torch.from_numpy(np.concatenate([PAIRS, PAIRS[:, ::-1]]).T.copy())
MEMBERS = torch.zeros(3, GENES)
MEMBERS[0, 0] = 1.0
MEMBERS[1, [2, 5]] = 0.5
MEMBERS[2, 6] = 1.0


def model(**settings):
    config = AppConfig(**{"width": 4, "attention": 3, "hidden": 6, **settings})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        features = torch.randn(GENES, 9)
        basis = None if config.rank is None else torch.randn(config.rank, READOUTS)
        return AdaptivePerturbPredictor(config, GENES, READOUTS, features, basis).eval()


def weights_of(app):
    return {name: value.numpy().astype(float) for name, value in app.state_dict().items()}


def reference(app, aggregation, layers):
    """Equations (3) to (7), one gene and one perturbation at a time."""
    w = weights_of(app)
    neighbours = {i: [j for a, j in EDGES.T.tolist() if a == i] for i in range(GENES)}
    combine = {"sum": np.sum, "mean": np.mean, "max": np.max}[aggregation]
    h = w["encoder.embedding"]
    for layer in range(layers):
        weight, bias = (w[f"encoder.layers.{layer}.{name}"] for name in ("weight", "bias"))
        found = []
        for i in range(GENES):
            mates = [h[j] for j in neighbours[i]]
            message = combine(mates, axis=0) if mates else np.zeros_like(h[i])
            found.append(np.maximum(weight @ (h[i] + message) + bias, 0))
        h = np.array(found)
    changes, attention = [], []
    for members in MEMBERS.numpy():
        c = h[members > 0].mean(0)
        e = np.array(
            [
                w["decoder.energy.weight"][0]
                @ np.tanh(
                    w["decoder.of_context.weight"] @ c
                    + w["decoder.of_gene.weight"] @ h[i]
                    + w["decoder.of_gene.bias"]
                )
                for i in range(GENES)
            ]
        )
        alpha = np.exp(e) / np.exp(e).sum()
        s = sum(alpha[i] * h[i] for i in range(GENES))
        attention.append(alpha)
        changes.append(w["decoder.decode.weight"] @ s + w["decoder.decode.bias"])
    return np.array(changes), np.array(attention)


@pytest.mark.parametrize("aggregation", ["sum", "mean", "max"])
@pytest.mark.parametrize("layers", [0, 1, 3])
def test_the_equations_are_those_of_the_paper(aggregation, layers):
    app = model(aggregation=aggregation, layers=layers)
    changes, attention = reference(app, aggregation, layers)
    with torch.no_grad():
        states = app.encoder(EDGES)
        np.testing.assert_allclose(app(EDGES, MEMBERS), changes, atol=1e-5)
        np.testing.assert_allclose(app.decoder.attention(states, MEMBERS), attention, atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"embedding": "features", "decoder": "mlp", "rank": 2},
        {"attention": 0},
        {"state": ("attended", "context", "spread"), "aggregation": "max"},
    ],
)
def test_the_order_of_the_genes_does_not_matter(settings):
    app = model(**settings)
    order = torch.from_numpy(np.random.default_rng(1).permutation(GENES))
    again = model(**settings)
    for name in ("embedding", "features"):  # what belongs to a gene moves with it
        if getattr(app.encoder, name) is not None:
            getattr(again.encoder, name).data = getattr(app.encoder, name).data[order]
    place = torch.argsort(order)
    with torch.no_grad():
        states, moved = app.encoder(EDGES), again.encoder(place[EDGES])
        torch.testing.assert_close(moved, states[order])
        change = app.decoder(states, MEMBERS)
        torch.testing.assert_close(again.decoder(moved, MEMBERS[:, order]), change)
        attention = app.decoder.attention(states, MEMBERS)
        torch.testing.assert_close(
            again.decoder.attention(moved, MEMBERS[:, order]), attention[:, order]
        )


def test_attention_is_positive_and_sums_to_one():
    app = model()
    with torch.no_grad():
        attention = app.decoder.attention(app.encoder(EDGES), MEMBERS)
    assert (attention > 0).all()
    torch.testing.assert_close(attention.sum(1), torch.ones(3))


def test_without_attention_the_state_is_the_mean_over_the_perturbed_genes():
    app = model(attention=0)
    with torch.no_grad():
        states = app.encoder(EDGES)
        mean = (states[2] + states[5]) / 2
        torch.testing.assert_close(app(EDGES, MEMBERS)[1], app.decoder.decode(mean))


def test_without_a_network_edges_do_not_matter():
    app = model(layers=0)
    with torch.no_grad():
        torch.testing.assert_close(app(EDGES, MEMBERS), app(EDGES[:, :2], MEMBERS))


def test_random_embeddings_are_not_trained():
    app = model(embedding="random", layers=0)
    assert not app.encoder.embedding.requires_grad
    assert model(layers=0).encoder.embedding.requires_grad


def test_a_low_rank_decoder_predicts_along_the_given_directions():
    app = model(rank=2)
    with torch.no_grad():
        change = app(EDGES, MEMBERS)
    assert np.linalg.matrix_rank(torch.cat([app.decoder.basis, change])) == 2


def test_the_models_for_the_largest_screen_have_fewer_than_a_million_parameters():
    readouts = 17_000
    for settings in ({}, {"decoder": "mlp"}):
        app = AdaptivePerturbPredictor(AppConfig(**settings), 10, readouts)
        trainable = [p for name, p in app.named_parameters() if name != "encoder.embedding"]
        assert sum(parameter.numel() for parameter in trainable) < 1_000_000


def test_a_config_survives_json_and_refuses_what_it_does_not_know():
    config = AppConfig(state=("attended", "spread"), rank=10)
    assert AppConfig.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ValueError, match="wdith"):
        AppConfig.model_validate({"wdith": 3})
