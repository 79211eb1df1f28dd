"""The fusions once more, in NumPy and float64, a sample at a time, written from the equations with loops and einsum.

Nothing here is shared with jcalib: parameters come in as arrays by name, masks as (L, 2) bool.
"""

import numpy as np

Arrays = dict[str, np.ndarray]


def evaluate(name: str, parameters: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray) -> Arrays:
    """Prediction (L, K), attended audio and visual (L, d), and the maps, of one sequence in eval mode."""
    x_audio = project(audio, parameters, "audio", mask[:, 0])
    x_visual = project(visual, parameters, "visual", mask[:, 1])
    if name.startswith("cell-"):
        out = _cell(name.split("-")[1:], parameters, x_audio, x_visual, mask)
    else:
        out = _FUSIONS[name](parameters, x_audio, x_visual, mask)
    fused = np.concatenate([out["audio"], out["visual"]], axis=1)
    if name in _RECURRENT:
        fused = _RECURRENT[name](parameters, fused, mask.any(1))
    hidden = fused @ parameters["head.0.weight"].T
    hidden = np.maximum(hidden + parameters["head.0.bias"], 0)
    out["prediction"] = hidden @ parameters["head.3.weight"].T + parameters["head.3.bias"]
    return out


def project(x: np.ndarray, parameters: Arrays, modality: str, valid: np.ndarray) -> np.ndarray:
    weight, bias = parameters[f"project.{modality}.weight"], parameters[f"project.{modality}.bias"]
    rows = np.zeros((len(x), len(bias)))
    for row in np.flatnonzero(valid):
        rows[row] = weight @ x[row] + bias
    return rows


def joint_correlation(x: np.ndarray, joint: np.ndarray, w: np.ndarray) -> np.ndarray:
    return np.tanh(np.einsum("ti,ts,sj->ij", x, w, joint) / np.sqrt(joint.shape[1]))


def joint_attention(x: np.ndarray, c: np.ndarray, w_x: np.ndarray, w_c: np.ndarray, w_h: np.ndarray) -> np.ndarray:
    hidden = np.einsum("kt,ti->ki", w_x, x) + np.einsum("kj,ij->ki", w_c, c)
    return x + np.einsum("tk,ki->ti", w_h, np.maximum(hidden, 0))


def cross_attention(x: np.ndarray, z: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Attended features, and A: softmax of z down each column over the valid own rows."""
    attention = np.zeros_like(z)
    own = np.flatnonzero(valid)
    for column in range(z.shape[1]):
        if len(own):
            raised = np.exp(z[own, column] - z[own, column].max())
            attention[own, column] = raised / raised.sum()
    attended = [np.tanh(x[t] + sum(attention[s, t] * x[s] for s in range(len(x)))) for t in range(len(x))]
    return np.array(attended), attention


def _joint(p: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray) -> Arrays:
    joint, out = np.concatenate([audio, visual], axis=1), {}
    for modality, x in (("audio", audio), ("visual", visual)):
        w, w_x, w_c, w_h = (p[f"of_{modality}.{name}"] for name in ("w", "w_x", "w_c", "w_h"))
        out[f"correlation_{modality}"] = joint_correlation(x, joint, w)
        out[modality] = joint_attention(x, out[f"correlation_{modality}"], w_x, w_c, w_h)
    return out


def _mixer(p: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray) -> Arrays:
    out = {}
    for modality, x in (("audio", audio), ("visual", visual)):
        hidden = np.maximum(np.einsum("kt,ti->ki", p[f"of_{modality}.w_x"], x), 0)
        out[modality] = x + np.einsum("tk,ki->ti", p[f"of_{modality}.w_h"], hidden)
    return out


def _cross(p: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray) -> Arrays:
    z = np.einsum("si,ij,tj->st", audio, p["w"], visual)
    attended_audio, a_audio = cross_attention(audio, z, mask[:, 0])
    attended_visual, a_visual = cross_attention(visual, z.T, mask[:, 1])
    return {
        "audio": attended_audio,
        "visual": attended_visual,
        "attention_audio": a_audio,
        "attention_visual": a_visual,
    }


def _mean(p: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray) -> Arrays:
    out = {}
    for place, (modality, x) in enumerate((("audio", audio), ("visual", visual))):
        average = x[mask[:, place]].mean(0) if mask[:, place].any() else np.zeros(x.shape[1])
        out[modality] = np.tanh(x + average)
    return out


def _concat(p: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray) -> Arrays:
    return {"audio": audio, "visual": visual}


def _cell(switches: list[str], p: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray) -> Arrays:
    """A cell of the cube by its definition, with explicit sums over tokens."""
    key, axis, normaliser, combine = switches
    features, out = {"audio": audio, "visual": visual}, {}
    for place, modality in enumerate(features):
        x, y = features[modality], features["visual" if modality == "audio" else "audio"]
        k = {"other": y, "joint": np.concatenate([audio, visual], axis=1), "itself": x}[key]
        width = k.shape[1]
        x, k = (x.T, k.T) if axis == "feature" else (x, k)
        shared = p["w"] if "w" in p else p[f"of_{modality}.w"]
        w = shared.T if key == "other" and modality == "visual" else shared  # the visual side has S^T
        c = np.einsum("im,mn,jn->ij", x, w, k)
        if normaliser == "tanh":
            c = np.tanh(c / np.sqrt(width))
        else:
            valid = mask[:, place]
            own = valid if axis == "time" else np.full(len(x), valid.any())
            _, c = cross_attention(x, c, own) if c.shape[0] == c.shape[1] else _columns(x, c, own)
        if combine == "map":
            w_x, w_c, w_h = (p[f"of_{modality}.{name}"] for name in ("w_x", "w_c", "w_h"))
            hidden = np.einsum("km,im->ik", w_x, x) + np.einsum("kj,ij->ik", w_c, c)
            attended = x + np.einsum("mk,ik->im", w_h, np.maximum(hidden, 0))
        else:
            r = np.einsum("ij,im->jm", c, x)
            if len(r) == 2 * len(x):
                r = (r[: len(x)] + r[len(x) :]) / 2
            attended = np.tanh(x + (r / np.sqrt(len(x)) if normaliser == "tanh" else r))
        out[modality], out[f"c_{modality}"] = (attended.T if axis == "feature" else attended), c
    return out


def _columns(x: np.ndarray, s: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Softmax down the columns of a wide S, in two square halves."""
    halves = [cross_attention(x, half, own)[1] for half in np.split(s, 2, axis=1)]
    return x, np.concatenate(halves, axis=1)


def _cross_untied(p: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray) -> Arrays:
    z_audio = np.einsum("si,ij,tj->st", audio, p["of_audio.w"], visual)
    z_visual = np.einsum("si,ij,tj->st", visual, p["of_visual.w"], audio)
    attended_audio, a_audio = cross_attention(audio, z_audio, mask[:, 0])
    attended_visual, a_visual = cross_attention(visual, z_visual, mask[:, 1])
    attended = {"audio": attended_audio, "visual": attended_visual}
    return attended | {"attention_audio": a_audio, "attention_visual": a_visual}


def _cross_scaled(p: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray) -> Arrays:
    return _cross({"w": p["w"] / np.sqrt(audio.shape[1])}, audio, visual, mask)


def _gated(p: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray) -> Arrays:
    out = _joint(p, audio, visual, mask)
    for modality, x in (("audio", audio), ("visual", visual)):
        attended = out[modality]
        scores = (attended @ p[f"gate.{modality}.weight"].T + p[f"gate.{modality}.bias"]) / 0.1
        gate = 1 / (1 + np.exp(scores[:, 0] - scores[:, 1]))  # a softmax of two
        out[modality] = np.maximum((1 - gate)[:, None] * x + gate[:, None] * attended, 0)
        out[f"gate_{modality}"] = gate
    return out


def _recursive(p: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray) -> Arrays:
    once = _joint(p, audio, visual, mask)
    return _joint(p, once["audio"] * mask[:, :1], once["visual"] * mask[:, 1:], mask)


def _transformer(p: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray, heads: int = 2) -> Arrays:
    clips, dim = audio.shape
    place = np.array(
        [
            [(np.sin if i % 2 == 0 else np.cos)(t / 10_000 ** ((i - i % 2) / dim)) for i in range(dim)]
            for t in range(clips)
        ]
    )
    out = {}
    for own, x, other, y, valid in (
        ("audio", audio, "visual", visual, mask[:, 1]),
        ("visual", visual, "audio", audio, mask[:, 0]),
    ):
        of = f"of_{own}."

        def layer(name: str, z: np.ndarray, of: str = of) -> np.ndarray:
            return z @ p[f"{of}{name}.weight"].T + p[f"{of}{name}.bias"]

        q, k = layer("attention.query", x + place), layer("attention.key", y + place)
        v, taken, mean = layer("attention.value", y), np.zeros_like(x), np.zeros((clips, clips))
        for head in range(heads):
            part = slice(head * dim // heads, (head + 1) * dim // heads)
            for t in range(clips):
                score = np.exp(k[:, part] @ q[t, part] / np.sqrt(dim / heads)) * valid
                share = score / max(score.sum(), 1e-300)
                taken[t, part] = share @ v[:, part]
                mean[:, t] += share / heads
        x = _norm(x + layer("attention.out", taken), p, of + "norm_attention")
        x = _norm(x + layer("feed.2", np.maximum(layer("feed.0", x), 0)), p, of + "norm_feed")
        out[own], out[f"attention_{other}"] = x, mean
    return out


def _norm(x: np.ndarray, p: Arrays, name: str) -> np.ndarray:
    x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    return x * p[f"{name}.weight"] + p[f"{name}.bias"]


def _released(p: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray) -> Arrays:
    audio, visual = _unit(audio), _unit(visual)
    joint = np.concatenate([visual, audio], axis=1) @ p["joint.weight"].T + p["joint.bias"]
    out = {}
    for modality, x in (("audio", audio), ("visual", visual)):
        weights = {n: (p[f"of_{modality}.{n}.weight"], p[f"of_{modality}.{n}.bias"]) for n in ("key", "value", "out")}
        key = x.T @ weights["key"][0].T + weights["key"][1]
        scores = np.tanh(key @ joint / np.sqrt(joint.shape[1]))
        weighted = np.maximum(np.tanh((x @ weights["value"][0].T + weights["value"][1]) @ scores), 0)
        out[modality] = x + np.maximum(weighted @ weights["out"][0].T + weights["out"][1], 0)
        out[f"scores_{modality}"] = scores
    return out


def _released_recurrence(p: Arrays, fused: np.ndarray, valid: np.ndarray) -> np.ndarray:
    passed = fused
    for layer in (0, 1):
        passed = lstm(p, passed, valid, layer, p["h"][layer], p["c"][layer])
    return _unit(np.concatenate([fused, passed], axis=1) @ p["beside.weight"].T + p["beside.bias"])


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def lstm(
    p: Arrays,
    x: np.ndarray,
    valid: np.ndarray,
    layer: int = 0,
    h: np.ndarray | None = None,
    c: np.ndarray | None = None,
) -> np.ndarray:
    """One bidirectional layer, (L, width) to (L, 2 hidden); clips that are not valid pass the state on."""
    both = []
    for way, (name, order) in enumerate((("", range(len(x))), ("_reverse", range(len(x) - 1, -1, -1)))):
        w_x, w_h, b_x, b_h = (
            p[f"lstm.{kind}_l{layer}{name}"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        state = np.zeros(w_h.shape[1]) if h is None else h[way]
        cell = np.zeros(w_h.shape[1]) if c is None else c[way]
        states = np.zeros((len(x), len(state)))
        for t in order:
            if valid[t]:
                i, f, g, o = np.split(w_x @ x[t] + b_x + w_h @ state + b_h, 4)
                cell = cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
                state = np.tanh(cell) / (1 + np.exp(-o))
            states[t] = state
        both.append(states)
    return np.concatenate(both, axis=1)


_FUSIONS = {
    "joint": _joint,
    "mixer": _mixer,
    "cross": _cross,
    "mean": _mean,
    "concat": _concat,
    "lstm": _concat,
    "cross_untied": _cross_untied,
    "cross_scaled": _cross_scaled,
    "cross_wide": _cross,
    "gated": _gated,
    "recursive": _recursive,
    "transformer": _transformer,
    "released": _released,
}
_RECURRENT = {"lstm": lstm, "recursive": lstm, "released": _released_recurrence}
