"""The fusions once more, in NumPy and float64, a sample at a time, written from the equations with loops and einsum.

Nothing here is shared with jcalib: parameters come in as arrays by name, masks as (L, 2) bool.
"""

import numpy as np

Arrays = dict[str, np.ndarray]


def evaluate(name: str, parameters: Arrays, audio: np.ndarray, visual: np.ndarray, mask: np.ndarray) -> Arrays:
    """Prediction (L, K), attended audio and visual (L, d), and the maps, of one sequence in eval mode."""
    x_audio = project(audio, parameters, "audio", mask[:, 0])
    x_visual = project(visual, parameters, "visual", mask[:, 1])
    out = _FUSIONS[name](parameters, x_audio, x_visual, mask)
    hidden = np.concatenate([out["audio"], out["visual"]], axis=1) @ parameters["head.0.weight"].T
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


_FUSIONS = {"joint": _joint, "mixer": _mixer, "cross": _cross, "mean": _mean, "concat": _concat}
