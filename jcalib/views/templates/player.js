"use strict";
// One state: a frame, a target, a fusion, an opacity. `draw` paints what does not move, `move` what follows the playhead.
(() => {
  const told = JSON.parse(document.getElementById("data").textContent);
  const TYPES = { int8: Int8Array, uint8: Uint8Array, bool: Uint8Array, float32: Float32Array, float64: Float64Array, int32: Int32Array };
  const arrays = {};
  for (const [name, { dtype, shape, bytes }] of Object.entries(told.arrays)) {
    const raw = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
    arrays[name] = Object.assign(new TYPES[dtype](raw.buffer), { shape });
  }
  const $ = (id) => document.getElementById(id);
  const { times, seen, heard, ends, windows, explained } = arrays;
  const last = times.length - 1;
  const begin = times[0], span = times[last] - begin + (times[last] - begin) / Math.max(last, 1);
  const video = $("video"), lanes = $("lanes"), dark = matchMedia("(prefers-color-scheme: dark)");
  const state = { frame: 0, target: told.targets[0], fusion: told.fusions[0], opacity: 0.8, shown: 0.8 };
  const part = (name, fusion = state.fusion) => arrays[`${fusion}/${state.target}/${name}`];

  // Colours: red and light raises, blue and dark lowers, so that the sign is there in grey too.
  const heat = (value) => (value > 0 ? told.colours.up : told.colours.down);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const signed = (value, digits = 2) => {
    if (!Number.isFinite(value)) return "–";
    const text = Math.abs(value).toFixed(digits);
    if (Number(text) === 0) return "0";
    return (value > 0 ? "+" : "−") + text.replace(/^0(?=\.)/, "");
  };

  const across = (seconds, width) => ((seconds - begin) / span) * width;

  function fresh(id) {
    const canvas = $(id), ratio = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
    canvas.width = Math.max(1, Math.round(box.width * ratio));
    canvas.height = Math.max(1, Math.round(box.height * ratio));
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    return [pen, box.width, box.height];
  }

  // Over a lane: the first of some wordings that it has room for.
  function write(pen, width, wordings) {
    pen.fillStyle = css("--dim");
    pen.font = "11px " + css("--sans");
    pen.fillText(wordings.find((one) => pen.measureText(one).width < width - 1) || wordings.at(-1), 1, 10);
  }

  function hatch(pen, left, right, top, bottom, colour, gap = 6) {
    pen.save();
    pen.beginPath();
    pen.rect(left, top, right - left, bottom - top);
    pen.clip();
    pen.strokeStyle = colour;
    pen.lineWidth = 1.2;
    pen.beginPath();
    for (let x = left - (bottom - top) - (left % gap); x < right; x += gap) {
      pen.moveTo(x, bottom);
      pen.lineTo(x + bottom - top, top);
    }
    pen.stroke();
    pen.restore();
  }

  // The runs of true values, as pairs of first and one after last.
  function runs(flags) {
    const found = [];
    for (let i = 0, start = -1; i <= flags.length; i++) {
      if (i < flags.length && flags[i] && start < 0) start = i;
      if ((i === flags.length || !flags[i]) && start >= 0) { found.push([start, i]); start = -1; }
    }
    return found;
  }

  // One cell of a map: the stronger, the less shines through.
  function tint(data, at, value) {
    [data[at], data[at + 1], data[at + 2]] = heat(value);
    data[at + 3] = 255 * Math.sqrt(Math.abs(value) / 127) * state.opacity;
  }

  function picture(width, height, paint) {
    const canvas = new OffscreenCanvas(width, height), pen = canvas.getContext("2d"), image = pen.createImageData(width, height);
    paint(image.data);
    pen.putImageData(image, 0, 0);
    return canvas;
  }

  function drawSound() {
    const [pen, width, height] = fresh("sound"), [bands, count] = arrays.spectrogram.shape, map = part("sound");
    pen.fillStyle = css("--surface");
    pen.fillRect(0, 0, width, height);
    if (!count) return;
    const [low, high] = told.colours.under, [quiet, loud] = dark.matches ? [low, high] : [high, low];
    const grey = picture(count, bands, (data) => {
      arrays.spectrogram.forEach((value, from) => {
        const to = 4 * ((bands - 1 - Math.floor(from / count)) * count + (from % count));
        data.fill(quiet + ((loud - quiet) * value) / 255, to, to + 3);
        data[to + 3] = 255;
      });
    });
    const [rows, columns] = map.shape;
    const warm = picture(columns, rows, (data) => map.forEach((value, from) => {
      tint(data, 4 * ((rows - 1 - Math.floor(from / columns)) * columns + (from % columns)), value);
    }));
    const left = across(told.sound_start - 0.005, width), right = across(told.sound_start + count * 0.01 - 0.005, width);
    pen.drawImage(grey, left, 0, right - left, height);
    pen.drawImage(warm, left, 0, ((right - left) * columns * told.pooled) / count, height);
    for (const [a, b] of runs(Array.from(heard, (one) => !one))) {
      const [x0, x1] = [across(told.sound_start + a * 0.01 - 0.005, width), across(told.sound_start + b * 0.01 - 0.005, width)];
      pen.fillStyle = dark.matches ? "rgb(19 22 27 / .55)" : "rgb(255 255 255 / .6)";
      pen.fillRect(x0, 0, x1 - x0, height);
      hatch(pen, x0, x1, 0, height, css("--dim"));
    }
  }

  function drawTrace() {
    const [pen, width, height] = fresh("trace"), column = told.target_columns[state.target];
    const truth = Float32Array.from(times, (_, i) => arrays.true[2 * i + column]);
    let top = 0.2;
    const widened = (one) => part("prediction", one).map((value, i) => Math.abs(value) + (part("spread", one)[i] || 0));
    for (const values of [truth, ...told.fusions.map(widened)]) {
      for (const value of values) if (Math.abs(value) > top) top = Math.abs(value);
    }
    top = Math.ceil(top * 10 + 0.2) / 10;
    const y = (value) => ((top - value) / (2 * top)) * height;
    pen.strokeStyle = css("--faint");
    const shown = Math.floor(top * 10) >= 5 ? [-0.5, 0, 0.5] : [-0.2, 0, 0.2];
    for (const value of shown) { pen.beginPath(); pen.moveTo(0, y(value)); pen.lineTo(width, y(value)); pen.stroke(); }
    ticks("trace", shown.map((value) => [y(value), signed(value, 1)]));
    const spread = part("spread"), mean = part("prediction");
    pen.fillStyle = told.colours.fusions[state.fusion];
    pen.globalAlpha = 0.2;
    for (const [a, b] of runs(Array.from(mean, (value, i) => Number.isFinite(value + spread[i])))) {
      pen.beginPath();
      for (let i = a; i < b; i++) pen.lineTo(across(times[i], width), y(mean[i] + spread[i]));
      for (let i = b - 1; i >= a; i--) pen.lineTo(across(times[i], width), y(mean[i] - spread[i]));
      pen.fill();
    }
    pen.globalAlpha = 1;
    pen.lineJoin = "round";
    const line = (values, colour, dash, thick) => {
      pen.strokeStyle = colour; pen.setLineDash(dash); pen.lineWidth = thick;
      pen.beginPath();
      for (const [a, b] of runs(Array.from(values, Number.isFinite))) {
        pen.moveTo(across(times[a], width), y(values[a]));
        for (let i = a + 1; i < b; i++) pen.lineTo(across(times[i], width), y(values[i]));
      }
      pen.stroke();
    };
    line(truth, css("--ink"), [1.5, 3.5], 1.8);
    for (const one of [...told.fusions].sort((a) => (a === state.fusion ? 1 : -1))) {
      line(part("prediction", one), told.colours.fusions[one], told.dashes[one], one === state.fusion ? 2.6 : 1.4);
    }
    pen.setLineDash([]);
  }

  function drawShare() {
    const [pen, width, height] = fresh("share"), shares = part("shares"), top = 14, tall = height - 16;
    pen.fillStyle = css("--faint");
    pen.fillRect(0, top, width, tall);
    const known = shares.some(Number.isFinite), shared = ends.some((_, i) => Math.abs(shares[3 * i]) + Math.abs(shares[3 * i + 1]) > told.least);
    const least = String(told.least).replace("0.", ".");
    if (!shared) write(pen, width, known ? [`nothing to share: face and voice move it by ${least} or less`, `nothing to share: ${least} or less`] : ["not known"]);
    ends.forEach((end, i) => {
      const [voice, face] = [Math.abs(shares[3 * i]), Math.abs(shares[3 * i + 1])];
      if (!(voice + face > told.least)) return;
      const x0 = across(times[i ? ends[i - 1] : 0], width), x1 = across(times[end], width), cut = top + (tall * face) / (voice + face);
      pen.fillStyle = told.colours.face;
      pen.fillRect(x0, top, x1 - x0 + 0.5, cut - top);
      pen.fillStyle = told.colours.voice;
      pen.fillRect(x0, cut, x1 - x0 + 0.5, top + tall - cut);
      hatch(pen, x0, x1, cut, top + tall, css("--ground"), 5);
    });
    pen.strokeStyle = css("--ground");
    pen.beginPath(); pen.moveTo(0, top + tall / 2); pen.lineTo(width, top + tall / 2); pen.stroke();
  }

  function drawEpisodes() {
    const shown = told.episodes.filter((one) => !one.target || one.target === state.target);
    $("episodes").hidden = !shown.length;
    $("episodes").style.height = `${16 * shown.length}px`;
    $("words").replaceChildren(...shown.map(({ word }) => Object.assign(document.createElement("small"), { textContent: word })));
    $("happens").setAttribute("aria-label", `What happens in the recording: ${shown.map(({ word }) => word).join(", ")}`);
    const [pen, width] = fresh("happens");
    shown.forEach(({ name, colour, hatched }, row) => {
      pen.fillStyle = css("--surface");
      pen.fillRect(0, 16 * row + 2, width, 12);
      for (const [a, b] of runs(arrays[`episodes/${name}`])) {
        const x0 = across(times[a], width), x1 = Math.max(across(times[Math.min(b, last)], width), x0 + 1.5);
        pen.fillStyle = colour === "ink" ? css("--ink") : colour;
        pen.fillRect(x0, 16 * row + 2, x1 - x0, 12);
        if (hatched) hatch(pen, x0, x1, 16 * row + 2, 16 * row + 14, css("--ground"), 4);
      }
    });
  }

  function drawAxis() {
    const [pen, width, height] = fresh("axis"), step = [0.5, 1, 2, 5, 10, 20, 60].find((one) => (one / span) * width > 46) || 60;
    pen.fillStyle = css("--dim");
    pen.font = "11px " + css("--sans");
    pen.textAlign = "center";
    for (let second = Math.ceil(begin / step) * step; second <= begin + span; second += step) {
      const x = across(second, width);
      pen.fillRect(x, 0, 1, 4);
      pen.fillText(`${+second.toFixed(1)} s`, Math.min(Math.max(x, 10), width - 14), height - 4);
    }
  }

  function ticks(id, marks) {
    const label = $(id).previousElementSibling;
    label.querySelectorAll(".tick").forEach((one) => one.remove());
    for (const [y, text] of marks) {
      const mark = document.createElement("span");
      mark.className = "tick";
      mark.style.top = `${y}px`;
      mark.textContent = text;
      label.append(mark);
    }
  }

  function drawKey() {
    const [pen, width, height] = fresh("key");
    for (let x = 0; x < width; x++) {
      const value = (2 * x) / width - 1, grey = (told.colours.under[0] + told.colours.under[1]) / 2, alpha = Math.sqrt(Math.abs(value)), colour = heat(value);
      pen.fillStyle = `rgb(${colour.map((c) => Math.round(grey + (c - grey) * alpha)).join()})`;
      pen.fillRect(x, 0, 1, height);
    }
    $("unit").textContent = told.ends[state.target];
  }

  function draw() {
    document.querySelectorAll(".switch input").forEach((one) => { one.checked = one.value === state[one.name]; });
    $("target").textContent = state.target;
    video.classList.toggle("mapped", state.opacity > 0);
    drawSound(); drawTrace(); drawShare(); drawEpisodes(); drawAxis(); drawKey();
    const height = $("sound").getBoundingClientRect().height;
    ticks("sound", told.hertz.map(([at, text]) => [height * (1 - at), text]));
    move();
  }

  // The nearest picture of the clip that the sentence names.
  function mapAt(frame) {
    const clip = clipAt(frame);
    let near = -1, far = told.reach + 1;
    arrays.face_frames.forEach((one, i) => {
      const apart = Math.abs(one - frame);
      if (apart < far && clipAt(one) === clip) [near, far] = [i, apart];
    });
    return seen[frame] ? near : -1;
  }

  function moveHeat() {
    const maps = part("face"), side = maps.shape[1], canvas = $("heat"), near = mapAt(state.frame);
    canvas.width = canvas.height = side;
    const pen = canvas.getContext("2d"), image = pen.createImageData(side, side);
    for (let i = 0; near >= 0 && i < side * side; i++) tint(image.data, 4 * i, maps[near * side * side + i]);
    pen.putImageData(image, 0, 0);
    canvas.setAttribute("aria-label", near < 0 ? "No map of the face here" : `What in the face raises and lowers ${state.target}`);
    const refused = video.error && "This browser cannot play H.264; everything else works.";
    const why = !seen[state.frame] ? "no face in this frame" : near >= 0 ? "" :
      clipAt(state.frame) < 0 ? "no map: no clip ends after this" : "no map: no picture of a clip is near";
    const wrong = near >= 0 && misses(clipAt(state.frame));
    $("note").hidden = !why && !refused && !wrong;
    $("note").textContent = [refused, why, wrong && `this ${wrong}`].filter(Boolean).join(" Here: ");
    $("note").classList.toggle("alarm", Boolean(wrong));
    $("play").disabled = Boolean(refused);
  }

  // The last clip end at or before a frame; the first clip end with a map at or after it.
  const rowAt = (frame) => Math.max(ends.findLastIndex((end) => end <= frame), 0);
  const clipAt = (frame) => explained.findIndex((end) => end >= frame);
  // What to say of a clip's map that should add up and does not.
  const misses = (clip) => told.complete && !part("good")[clip] && `map does not add up: it misses by ${signed(part("missed")[clip], 3)}`;

  function moveWindow() {
    const [pen, width, height] = fresh("window"), [, clips] = windows.shape, row = rowAt(state.frame), values = part("influence");
    const largest = told.influence[state.target], tall = (height - 17) / 2;
    [0, 1].forEach((modality) => {
      const top = 15 + modality * (tall + 1);
      pen.fillStyle = css("--surface");
      pen.fillRect(0, top, width, tall);
      for (let at = 0; at < clips; at++) {
        const end = windows[row * clips + at];
        if (end < 0) continue;
        const x1 = across(times[end], width), x0 = Math.max(across(times[end] - told.spans[modality ? 0 : 1], width), 0);
        pen.fillStyle = css("--ink");
        pen.globalAlpha = Math.min(1, 0.07 + (0.94 * values[(row * clips + at) * 2 + modality]) / largest);
        pen.fillRect(x0 + 1, top, Math.max(x1 - x0 - 2, 1), tall);
        pen.globalAlpha = 1;
        if (end === ends[row]) { pen.strokeStyle = css("--accent"); pen.lineWidth = 1.6; pen.strokeRect(x0 + 1, top + 0.8, Math.max(x1 - x0 - 2, 1), tall - 1.6); }
      }
    });
    const [when, most] = [times[ends[row]].toFixed(2), largest.toFixed(3).replace(/^0/, "")];
    write(pen, width, [`spread of the prediction at ${when} s when one clip varies, up to ${most}`, `spread when a clip varies, up to ${most}`]);
  }

  function sample(colour, dash) {
    return `<svg viewBox="0 0 26 8" aria-hidden="true"><path d="M0 4h26" fill="none" stroke="${colour}" stroke-width="2.4" stroke-dasharray="${dash.join(" ")}"/></svg>`;
  }

  function moveWords() {
    const { frame } = state, column = told.target_columns[state.target], truth = arrays.true[2 * frame + column];
    const words = [`<span><b>${state.target}</b></span>`];
    if (told.annotated) words.push(`<span>${sample(css("--ink"), [1.5, 3.5])}true <b>${signed(truth)}</b></span>`);
    for (const one of told.fusions) {
      const spread = part("spread", one)[frame], add = Number.isFinite(spread) ? ` ± ${signed(spread).replace("+", "")}` : "";
      words.push(`<span>${sample(told.colours.fusions[one], told.dashes[one])}${one} <b>${signed(part("prediction", one)[frame])}</b>${add}</span>`);
    }
    $("readout").innerHTML = words.join("");
    const clip = clipAt(frame), sums = part("sums"), wrong = clip >= 0 && misses(clip);
    $("said").innerHTML = clip < 0 ? "No map here: no whole clip ends after this." :
      `The maps explain what <b>${state.fusion}</b> predicts at <b>${times[explained[clip]].toFixed(2)} s</b>; ` + (told.complete ? "summed up, " +
      `the face's map gives <b>${signed(sums[2 * clip + 1], 3)}</b> and the voice's <b>${signed(sums[2 * clip], 3)}</b> ${state.target}.` :
      `those of ${told.method} need not add up.`) + (wrong ? ` <b class="alarm">The ${wrong}.</b>` : "");
    $("clock").textContent = `${times[frame].toFixed(2)} s`;
    lanes.setAttribute("aria-valuenow", frame);
    lanes.setAttribute("aria-valuetext", `${times[frame].toFixed(2)} seconds, ${state.fusion} ${state.target} ${signed(part("prediction")[frame])}`);
  }

  function move() {
    const area = $("sound").getBoundingClientRect(), frame = lanes.getBoundingClientRect();
    $("head").style.left = `${area.left - frame.left + across(times[state.frame], area.width)}px`;
    moveHeat(); moveWindow(); moveWords();
  }

  const nearest = (seconds) => Math.max(times.findLastIndex((time) => time - begin <= seconds + 1e-4), 0);
  function go(frame) {
    state.frame = Math.min(Math.max(frame, 0), last);
    // A little into the frame: rounding must not show the one before.
    video.currentTime = times[state.frame] - begin + 0.004;
    move();
  }
  function follow() {
    if (video.paused) return;
    const frame = nearest(video.currentTime);
    if (frame !== state.frame) { state.frame = frame; move(); }
    requestAnimationFrame(follow);
  }
  function toggle() {
    if (!video.paused) return video.pause();
    if (video.error) return;
    if (state.frame === last) go(0);
    video.play().catch(() => {});
  }
  video.addEventListener("play", () => { mark(true); requestAnimationFrame(follow); });
  video.addEventListener("pause", () => { mark(false); state.frame = nearest(video.currentTime); move(); });
  video.addEventListener("error", move);
  function mark(playing) {
    $("play").setAttribute("aria-label", playing ? "pause" : "play");
    $("shape").setAttribute("d", playing ? "M3.5 2.5h3.4v11H3.5zM9.1 2.5h3.4v11H9.1z" : "M4 2.5v11L13.5 8z");
  }
  function next(kind, names) {
    state[kind] = names[(names.indexOf(state[kind]) + 1) % names.length];
    draw();
  }
  function fade(value) {
    state.opacity = value;
    $("opacity").value = Math.round(100 * value);
    draw();
  }

  $("play").onclick = toggle;
  $("screen").onclick = toggle;
  $("back").onclick = () => { video.pause(); go(state.frame - 1); };
  $("step").onclick = () => { video.pause(); go(state.frame + 1); };
  $("opacity").oninput = (event) => { state.shown = event.target.value / 100 || state.shown; fade(event.target.value / 100); };
  document.querySelectorAll(".switch input").forEach((one) => { one.onchange = () => { state[one.name] = one.value; draw(); }; });
  const scrub = (event) => {
    const area = $("sound").getBoundingClientRect();
    go(nearest(((event.clientX - area.left) / area.width) * span));
  };
  lanes.addEventListener("pointerdown", (event) => {
    if (event.button || event.clientX < $("sound").getBoundingClientRect().left) return; // a lane's name is no time
    lanes.setPointerCapture(event.pointerId);
    video.pause();
    scrub(event);
  });
  lanes.addEventListener("pointermove", (event) => { if (lanes.hasPointerCapture(event.pointerId)) scrub(event); });
  // Who clicks keeps the page's keys; who comes by tab has the radio's and the button's own.
  document.addEventListener("click", (event) => { if (event.detail) document.activeElement.blur(); });
  const second = Math.max(1, Math.round(last / Math.max(times[last] - begin, 1)));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inside = event.target.tagName, step = event.shiftKey ? second : 1;
    const keys = {
      ArrowLeft: () => { video.pause(); go(state.frame - step); }, ArrowRight: () => { video.pause(); go(state.frame + step); },
      Home: () => go(0), End: () => go(last), " ": toggle, t: () => next("target", told.targets), f: () => next("fusion", told.fusions),
      m: () => fade(state.opacity > 0 ? 0 : state.shown),
    };
    const own = { INPUT: ["ArrowLeft", "ArrowRight", "Home", "End"], BUTTON: [" "], SUMMARY: [" "] }[inside] || [];
    if (!keys[event.key] || own.includes(event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  lanes.setAttribute("aria-valuemax", last);
  dark.addEventListener("change", draw);
  new ResizeObserver(draw).observe(lanes);
  go(Math.max(times.findIndex((_, frame) => mapAt(frame) >= 0), 0)); // where there is something to see
  draw();
})();
