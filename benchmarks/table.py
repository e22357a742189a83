"""Decides how measurements are summed up: medians, ratios within the run, and what was asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.rows import MEMORY_TIMES, Row

PEERS = ("nautilus", "vnpy", "hftbacktest")
HEADERS = ("", "ticks/s", "× Nautilus", "× vnpy", "× hftbacktest", "verify ticks/s", "fills", "PnL", "peak MiB", "spread")
MOST_MIB = 300e6 / (1 << 20)
SAME_MEMORY = 1.1
NOISE = 0.95


def summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One mapping per row: medians over its runs. `spread` is (slowest - fastest) / median time."""
    rates = {(row.engine, row.workload): row.ticks / _median(row, "run_s") for row in rows if row.engine in PEERS and row.results}
    found: list[dict[str, Any]] = []
    for row in rows:
        if not row.results:
            found.append({"engine": row.engine, "workload": row.workload, "label": row.label, "failures": row.failures})
            continue
        seconds = [float(r["run_s"]) for r in row.results]  # type: ignore[arg-type]
        rate = row.ticks / median(seconds)
        verify_s = _median(row, "verify_s")
        last = row.results[-1]
        found.append({
            "engine": row.engine, "workload": row.workload, "label": row.label, "cores": row.cores, "ticks": row.ticks, "runs": len(seconds),
            "ticks_per_s": round(rate), "run_s": round(median(seconds), 4), "spread": round((max(seconds) - min(seconds)) / median(seconds), 3),
            "verify_ticks_per_s": round(row.ticks / verify_s) if verify_s else None,
            "ratios": {p: round(rate / rates[p, row.workload], 2) for p in PEERS if (p, row.workload) in rates and p != row.engine},
            "fills": last["fills"], "pnl": last["pnl"], "peak_rss_mib": _median(row, "peak_rss_mib"), "log_mib": round(_median(row, "log_mib"), 1),
            "version": last.get("version"), "total_s": round(_median(row, "total_s"), 4), "failures": row.failures,
        })  # fmt: skip
    return found


def _median(row: Row, field: str) -> float:
    return median(float(r.get(field) or 0) for r in row.results)  # type: ignore[arg-type]


def text(found: Sequence[dict[str, Any]]) -> str:
    """The table as people read it; it is also Markdown."""
    lines: list[tuple[str, ...]] = [HEADERS]
    for workload in sorted({f["workload"] for f in found}):
        mine = [f for f in found if f["workload"] == workload]
        lines.append((f"**{workload.upper()}**", *[""] * (len(HEADERS) - 1)))
        lines += [_line(f) for f in sorted(mine, key=lambda f: -f.get("ticks_per_s", 0))]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADERS))]
    shown = [
        "| " + " | ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))) + " |" for line in lines
    ]
    rule = "|" + "|".join(("-" * (w + 1) + ":") if i else "-" * (w + 2) for i, w in enumerate(widths)) + "|"
    return "\n".join([shown[0], rule, *shown[1:]])


def _line(f: dict[str, Any]) -> tuple[str, ...]:
    if "ticks_per_s" not in f:
        return (f["label"], "failed", *[""] * (len(HEADERS) - 2))
    ratios = [f"{f['ratios'][p]:,.2f}" if p in f["ratios"] else "" for p in PEERS]
    verify = f"{f['verify_ticks_per_s']:,}" if f["verify_ticks_per_s"] else ""
    wrong = " WRONG" if f["failures"] else ""
    return (
        f["label"], f"{f['ticks_per_s']:,}", *ratios, verify, f"{f['fills']:,}{wrong}", f"{f['pnl']:.2f}", f"{f['peak_rss_mib']:,.0f}",
        f"{f['spread']:.0%}",
    )  # fmt: skip


def demands(found: Sequence[dict[str, Any]]) -> list[tuple[str, bool, str]]:
    """What was asked of the engine on one core, whether this run meets it, and by how much."""
    by = {(f["workload"], f["label"]): f for f in found if f["engine"] == "reenact" and "ticks_per_s" in f}
    made: list[tuple[str, bool, str]] = []
    for workload, label, peer, least in (
        ("w1", "Reenact, built-in strategy", "nautilus", 30.0), ("w1", "Reenact, plain on_tick", "nautilus", 8.0),
        ("w1", "Reenact, plain on_tick", "vnpy", 1.0), ("w3", "Reenact, plain on_tick", "nautilus", 15.0),
    ):  # fmt: skip
        ratio = by.get((workload, label), {}).get("ratios", {}).get(peer)
        if ratio is not None:
            made.append((f"{workload}, {label.removeprefix('Reenact, ')}: at least {least:g} × {peer}", ratio >= least, f"{ratio:.1f} ×"))
    slower = [
        f"{w} {label} {f['verify_ticks_per_s'] / f['ticks_per_s']:.2f}"
        for (w, label), f in by.items()
        if f["verify_ticks_per_s"] < NOISE * f["ticks_per_s"]
    ]
    made.append(("verify no slower than run (within 5 %)", not slower, ", ".join(slower) or "nowhere slower"))
    most = max((f["peak_rss_mib"] for f in by.values()), default=0.0)
    made.append(("peak memory under 300 MB", most < MOST_MIB, f"{most:.0f} MiB"))
    streamed = sorted((f for (_, label), f in by.items() if "read from the file" in label), key=lambda f: f["ticks"])
    if len(streamed) > 1:
        small, large = streamed[0]["peak_rss_mib"], streamed[-1]["peak_rss_mib"]
        made.append((f"the same memory at {MEMORY_TIMES} times the ticks", large < small * SAME_MEMORY, f"{small:.0f} and {large:.0f} MiB"))
    return made
