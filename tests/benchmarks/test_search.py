import json
from pathlib import Path

import numpy as np
import pytest

import app
from benchmarks.embedding_cloud import assumed_cloud, fitted_cloud
from benchmarks.search import fill_library, plain_ranking
from daug.case_query import CaseFilter
from daug.findings import Finding
from db.library import init_library


def test_the_command_prints_one_row_for_each_method_and_share(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as leaving:
        app.main(["bench", "search", "--n", "3000", "--dim", "32", "--queries", "5", "--json"])
    assert leaving.value.code == 0
    document = json.loads(capsys.readouterr().out)
    rows = document["results"]
    assert {(row["method"], row["selectivity"]) for row in rows} == {
        (method, share)
        for method in ("exact", "approximate", "plain")
        for share in (1.0, 0.5, 0.1, 0.01)
    }
    for row in rows:
        assert (row["n"], row["dim"]) == (3000, 32)
        assert row["recall_at_10"] == 1 or row["method"] == "approximate"
        assert 0 < row["p50_ms"] <= row["p95_ms"]
        assert row["memory_mb"] >= 3000 * 32 * 4 / 2**20
        assert row["build_seconds"] >= 0
    assert document["spread"]["source"].startswith("assumed")


def test_an_age_limit_lets_the_stated_share_of_cases_through(tmp_path: Path) -> None:
    library = init_library(tmp_path)
    ids = fill_library(tmp_path, 200)
    for share in (0.5, 0.1, 0.01):
        allowed = library.ids(CaseFilter(max_age=100 * share))
        assert len(allowed) == pytest.approx(200 * share, abs=1)
    case = library.case(int(ids[-1]))
    assert Finding.EDEMA in case.absent
    assert case.report.startswith("Heart size is normal.")
    library.close()


def test_the_truth_is_the_order_of_all_products() -> None:
    vectors = assumed_cloud(16).draw(500, np.random.default_rng(3))
    query = vectors[7]
    mask = np.arange(500) % 2 == 0
    products = vectors.astype(float) @ query
    order = np.argsort(-products)
    assert plain_ranking(vectors, query, 10, None).tolist() == order[:10].tolist()
    assert plain_ranking(vectors, query, 10, mask).tolist() == order[mask[order]][:10].tolist()


def test_a_cloud_fitted_to_embeddings_lies_where_they_lie() -> None:
    real = assumed_cloud(24, seed=4).draw(8000, np.random.default_rng(0))
    drawn = fitted_cloud(real, "real").draw(8000, np.random.default_rng(1))
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(drawn.mean(0), real.mean(0), atol=0.02)
    theirs, ours = (np.linalg.eigvalsh(np.cov(rows.T))[::-1] for rows in (real, drawn))
    np.testing.assert_allclose(ours[:5], theirs[:5], rtol=0.2)


def test_the_assumed_cloud_has_the_spread_that_it_states() -> None:
    described = assumed_cloud(128).described()
    assert described["cosine_of_random_pairs"] == pytest.approx(0.4, abs=0.1)
    assert described["axes_for_90_percent"] < described["axes_for_99_percent"] <= 128
