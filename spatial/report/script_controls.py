"""The table of the selection and its CSV, the controls, and the start."""

from __future__ import annotations

__all__ = ["CONTROLS"]

CONTROLS = r"""  /* ---- the table and its CSV */
  const fields = [
    ["name", W.name, (i) => P.names[i]],
    ["id", W.id, (i) => P.ids[i]],
    ["value", null, (i) => now.value[i], show],
    ["z", "z", (i) => now.z[i], fixed],
    ["lag", W.lag, (i) => now.lag[i], fixed],
    ["cluster", W.cluster, (i) => W[clusterOf(i)]],
    ["p_sim", W.p, (i) => now.p[i], fixed],
    ["p_fdr", W.p_fdr, (i) => now.fdr[i], fixed],
    ["neighbours", W.neighbours, (i) => A.neighbours[i], whole.format],
  ];
  function compare(a, b) {
    if (typeof a === "string") return a.localeCompare(b, P.lang);
    if (!Number.isFinite(a)) return Number.isFinite(b) ? 1 : 0;
    return Number.isFinite(b) ? a - b : -1;
  }
  function table(rows, some) {
    const field = fields.find(([name]) => name === state.sort),
      order = [...rows];
    if (field)
      order.sort((a, b) => {
        const x = field[2](a),
          y = field[2](b),
          gap = typeof x === "number" && (!Number.isFinite(x) || !Number.isFinite(y));
        return (state.up || gap ? 1 : -1) * compare(x, y) || a - b;
      });
    const head = document.createElement("tr");
    for (const [name, word, , write] of fields) {
      const cell = document.createElement("th"),
        button = document.createElement("button");
      button.type = "button";
      button.textContent =
        (word === null ? P.labels[state.k] : word) + (state.sort === name ? (state.up ? " ↑" : " ↓") : "");
      button.onclick = () => {
        state.up = state.sort === name ? !state.up : !write;
        state.sort = name;
        brushed();
      };
      if (write) cell.className = "number";
      cell.append(button);
      head.append(cell);
    }
    const limit = 100,
      body = order.slice(0, limit).map((i) => {
        const row = document.createElement("tr");
        for (const [, , get, write] of fields) {
          const cell = row.insertCell();
          cell.textContent = write ? write(get(i)) : get(i);
          if (write) cell.className = "number";
        }
        row.onmouseenter = () => highlight(i);
        row.onmouseleave = () => highlight(null);
        return row;
      });
    $("rows-head").replaceChildren(head);
    $("rows").replaceChildren(...body);
    $("rows-note").textContent = [
      ...(some ? [] : [W.none_selected]),
      ...(rows.length > limit ? [fill(W.first_rows, {n: limit})] : []),
    ].join(" · ");
  }
  /* Text that a spreadsheet would run as a formula stays text: an apostrophe goes before it. */
  const guard = (text) =>
    /^[\s\u0000-\u001f]*[=+\-@]/.test(text) || /^[\t\r\n]/.test(text) ? "'" + text : text;
  const quoted = (text) => (/[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text);
  const word = (text) => quoted(guard(String(text)));
  const digits = (x) => (Number.isFinite(x) ? String(x) : "");
  function csv() {
    const chosen = selection(),
      rows = chosen.length ? chosen : P.ids.map((_, i) => i);
    const head = [
      "id",
      "name",
      P.time_name,
      P.columns[state.k],
      "z",
      "lag",
      "quadrant",
      "cluster",
      "p_sim",
      "p_fdr",
      "neighbours",
    ].map(word);
    const lines = rows.map((i) =>
      [
        P.ids_are_text ? word(P.ids[i]) : P.ids[i],
        word(P.names[i]),
        word(P.times[state.t]),
        digits(now.value[i]),
        digits(exact(now.z[i])),
        digits(exact(now.lag[i])),
        CODES[now.quadrant[i]] || "",
        now.quadrant[i] === MISSING ? "" : clusterOf(i),
        digits(exact(now.p[i])),
        digits(exact(now.fdr[i])),
        digits(A.neighbours[i]),
      ].join(","),
    );
    return "\ufeff" + [head.join(","), ...lines].join("\r\n") + "\r\n";
  }
  function download() {
    const link = document.createElement("a"),
      address = URL.createObjectURL(new Blob([csv()], {type: "text/csv;charset=utf-8"}));
    link.href = address;
    link.download =
      (P.columns[state.k] + "_" + P.times[state.t]).replace(/[^\p{L}\p{N}_-]+/gu, "_") + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  /* ---- the words beside the pointer: made here, as old Bokeh reads a column's text as HTML */
  let pointer = [0, 0];
  document.addEventListener("mousemove", (event) => {
    pointer = [event.clientX, event.clientY];
  });
  const facts = (i) => [
    [P.labels[state.k], known(i) ? show(now.value[i]) : W.missing],
    [W.z, fixed(now.z[i])],
    [W.lag_z, fixed(now.lag[i])],
    [W.cluster, W[clusterOf(i)]],
    [W.p, fixed(now.p[i])],
    [W.p_fdr, fixed(now.fdr[i])],
    [W.neighbours, whole.format(A.neighbours[i])],
  ];
  function tip(i) {
    const box = $("tip");
    box.hidden = i === null;
    if (i === null) return;
    $("tip-name").textContent = P.names[i];
    $("tip-id").textContent = P.ids[i] === P.names[i] ? "" : P.ids[i];
    $("tip-facts").replaceChildren(
      ...facts(i).flatMap((pair) =>
        pair.map((text) => {
          const cell = document.createElement("span");
          cell.textContent = text;
          return cell;
        }),
      ),
    );
    const {width, height} = box.getBoundingClientRect(),
      [x, y] = pointer;
    box.style.left = (x + 45 + width > innerWidth ? Math.max(4, x - 45 - width) : x + 45) + "px";
    box.style.top = Math.max(4, Math.min(innerHeight - height - 4, y - height / 2)) + "px";
  }

  /* ---- the controls */
  function go(t) {
    state.t = t;
    refresh();
  }
  let playing = null;
  function play(on) {
    clearInterval(playing);
    playing = on ? setInterval(() => go((state.t + 1) % T), 800) : null;
    $("play").textContent = on ? "❚❚" : "▶";
    $("play").title = on ? W.pause : W.play;
  }
  $("variable").replaceChildren(...P.labels.map((label, k) => new Option(label, k)));
  $("variable").onchange = (event) => {
    state.k = Number(event.target.value);
    rescale();
    refresh();
  };
  $("time").max = T - 1;
  $("time").oninput = (event) => {
    play(false);
    go(Number(event.target.value));
  };
  $("play").onclick = () => play(playing === null);
  $("time-box").hidden = T < 2;
  $("trend-card").hidden = T < 2;
  const radios = (box, name, options, chosen, pick) =>
    $(box).append(
      ...options.map(([value, label]) => {
        const outer = document.createElement("label"),
          input = document.createElement("input"),
          text = document.createElement("span");
        Object.assign(input, {type: "radio", name, value, checked: value === chosen});
        input.onchange = () => {
          pick(value);
          refresh();
        };
        text.textContent = label;
        outer.append(input, text);
        return outer;
      }),
    );
  radios(
    "modes",
    "mode",
    [
      ["clusters", W.clusters],
      ["values", W.values],
      ["significance", W.significance],
    ],
    "clusters",
    (v) => {
      state.mode = v;
    },
  );
  radios(
    "levels",
    "level",
    P.levels.map((a, j) => [j, String(a)]),
    state.level,
    (v) => {
      state.level = v;
    },
  );
  $("fdr").onchange = (event) => {
    state.fdr = event.target.checked;
    refresh();
  };
  $("clear").onclick = () => choose([]);
  $("download").onclick = download;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") choose([]);
  });

  /* ---- the map keeps its shape whatever the window; a wide country leaves its room to the trend */
  const frame = $("figure-map");
  const room = () => {
    if (T > 1)
      frame.style.height =
        Math.round(
          Math.max(280, Math.min(440, ((frame.clientWidth * P.extent[1]) / P.extent[0]) * 1.04 + 8)),
        ) + "px";
  };
  room();
  window.addEventListener("resize", room);
  function fit() {
    const wide = plots.map.inner_width,
      high = plots.map.inner_height;
    if (!(wide > 1 && high > 1)) return;
    const each = 1.04 * Math.max(P.extent[0] / wide, P.extent[1] / high);
    const [x, y] = [P.extent[0] / 2, P.extent[1] / 2];
    range(plots.map.x_range, x - (each * wide) / 2, x + (each * wide) / 2);
    range(plots.map.y_range, y - (each * high) / 2, y + (each * high) / 2);
  }
  for (const side of ["inner_width", "inner_height"]) plots.map.properties[side].change.connect(fit);
  rescale();
  refresh();
  fit();
  // For whoever drives the page from its console, as the tests do.
  window.report = {state, csv, facts, units, bars, degree, plots, choose, model};
  document.body.dataset.ready = "yes";
})();
"""
