// All attention maps in small, one of them in large, and the pair of tokens under the cursor.
const LARGEST_THUMBNAIL = 128; // pixels; longer texts are shrunk, the strongest weight of each square stays

class Attention {
  constructor(select) {
    this.select = select;
    this.overview = document.getElementById("overview");
    this.overview.style.setProperty("--heads", NUM_HEADS);
    this.options = DATA.attention.map((heads, layer) => heads.map((_, head) => this.thumbnail(layer, head)));
    this.overview.append(label("layer / head"), ...DATA.attention[0].map((_, head) => label(head)));
    for (const [layer, options] of this.options.entries()) this.overview.append(label(layer), ...options);
    this.overview.addEventListener("keydown", (key) => this.step(key));
    this.map = new HeatMap(document.getElementById("map"), {
      rows: NUM_TOKENS,
      columns: NUM_TOKENS,
      move: (position, column) => this.goTo(position, Math.min(column, position)),
    });
  }

  thumbnail(layer, head) {
    const canvas = make("canvas", { "aria-hidden": "true" });
    const attributes = {
      class: "thumbnail",
      id: `map-${layer}-${head}`,
      role: "option",
      "aria-selected": "false",
      "aria-label": `layer ${layer}, head ${head}`,
    };
    const option = make("div", attributes, canvas);
    option.addEventListener("click", () => this.select({ layer, head }));
    drawWhenNear(option, () => drawThumbnail(canvas, layer, head));
    return option;
  }

  step(key) {
    const targets = {
      ArrowUp: [this.layer - 1, this.head],
      ArrowDown: [this.layer + 1, this.head],
      ArrowLeft: [this.layer, this.head - 1],
      ArrowRight: [this.layer, this.head + 1],
      Home: [this.layer, 0],
      End: [this.layer, NUM_HEADS - 1],
    };
    if (!(key.key in targets) || !isPlain(key)) return;
    key.preventDefault();
    const layer = within(targets[key.key][0], NUM_LAYERS);
    const head = within(targets[key.key][1], NUM_HEADS);
    this.select({ layer, head });
    this.options[layer][head].scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  goTo(position, key) {
    this.select({ position, key }, describePair({ layer: this.layer, head: this.head, position, key }));
  }

  show({ layer, head, position, key }) {
    if (layer !== this.layer || head !== this.head) {
      this.options[this.layer ?? layer][this.head ?? head].setAttribute("aria-selected", "false");
      this.options[layer][head].setAttribute("aria-selected", "true");
      this.overview.setAttribute("aria-activedescendant", `map-${layer}-${head}`);
      document.getElementById("map-name").textContent = `Layer ${layer}, head ${head}`;
      this.map.draw((query, other) =>
        other > query ? null : Math.sqrt(attentionWeight(layer, head, query, other)),
      );
    }
    Object.assign(this, { layer, head });
    this.map.place(position, key);
    document
      .getElementById("pair")
      .replaceChildren(pairReading({ layer, head, position, key }), mostAttended({ layer, head, position }));
  }
}

function label(text) {
  return make("span", { class: "label", "aria-hidden": "true" }, String(text));
}

function drawThumbnail(canvas, layer, head) {
  const side = Math.min(NUM_TOKENS, LARGEST_THUMBNAIL);
  const strongest = new Float32Array(side * side).fill(-1);
  const weights = attentionMap(layer, head);
  for (let query = 0, index = 0; query < NUM_TOKENS; query++) {
    const row = Math.floor((query * side) / NUM_TOKENS) * side;
    for (let key = 0; key <= query; key++, index++) {
      const place = row + Math.floor((key * side) / NUM_TOKENS);
      if (weights[index] > strongest[place]) strongest[place] = weights[index];
    }
  }
  canvas.classList.toggle("pixels", side < 64);
  paint(canvas, side, side, (row, column) => {
    const weight = strongest[row * side + column];
    return weight < 0 ? null : Math.sqrt(weight);
  });
}

function pairReading({ layer, head, position, key }) {
  return make("p", { id: "pair-reading" }, [
    "Token ",
    `${position} `,
    quoted(DATA.tokens[position]),
    " gives ",
    make("strong", {}, percent(attentionWeight(layer, head, position, key))),
    ` of its attention to token ${key} `,
    quoted(DATA.tokens[key]),
  ]);
}

/** Return the tokens that a token can look at, those first to which it gives most of its attention. */
function keysByWeight({ layer, head, position }) {
  const weight = (key) => attentionWeight(layer, head, position, key);
  return Array.from({ length: position + 1 }, (_, key) => key).sort((a, b) => weight(b) - weight(a));
}

/** Make the table of the five tokens that a token looks at most. */
function mostAttended({ layer, head, position }) {
  const rows = keysByWeight({ layer, head, position })
    .slice(0, 5)
    .map((key) => {
      const weight = attentionWeight(layer, head, position, key);
      return make("tr", {}, [
        make("th", { scope: "row" }, quoted(DATA.tokens[key])),
        make("td", { class: "id" }, `token ${key}`),
        make("td", { class: "share", "--share": weight.toFixed(4) }, percent(weight)),
      ]);
    });
  return make("table", {}, [make("caption", {}, "What it looks at most"), make("tbody", {}, rows)]);
}

function describePair({ layer, head, position, key }) {
  const weight = percent(attentionWeight(layer, head, position, key));
  const names = [position, key].map((place) => `token ${place}, ${spoken(DATA.tokens[place].text)},`);
  return `${names[0]} gives ${weight} to ${names[1].slice(0, -1)}.`;
}
