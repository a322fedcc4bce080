"use strict";

// What the page shows, and how its numbers are read and written.
const DATA = JSON.parse(document.getElementById("data").textContent);
const NUM_TOKENS = DATA.tokens.length;
const NUM_LAYERS = DATA.attention.length;
const NUM_HEADS = DATA.attention[0].length;

// Every float16 from 0 (bits 0) to 1 (bits 0x3c00).
const HALVES = Float32Array.from({ length: 0x3c01 }, (_, bits) => {
  const exponent = bits >> 10;
  const fraction = (bits & 0x3ff) / 1024;
  return exponent === 0 ? 2 ** -14 * fraction : 2 ** (exponent - 15) * (1 + fraction);
});

const decodedMaps = new Map();

/** Return an attention map: the weights of its lower triangle, row after row, decoded when first needed. */
function attentionMap(layer, head) {
  const name = `${layer} ${head}`;
  if (!decodedMaps.has(name)) {
    const bytes = atob(DATA.attention[layer][head]);
    const weights = new Float32Array(bytes.length / 2);
    for (let i = 0; i < weights.length; i++) {
      weights[i] = HALVES[bytes.charCodeAt(2 * i) | (bytes.charCodeAt(2 * i + 1) << 8)];
    }
    decodedMaps.set(name, weights);
  }
  return decodedMaps.get(name);
}

/** Return how much of its attention the token `query` gives to the token `key`, which is not after it. */
function attentionWeight(layer, head, query, key) {
  return attentionMap(layer, head)[(query * (query + 1)) / 2 + key];
}

function percent(share) {
  return share > 0 && share < 0.0005 ? "< 0.1%" : `${(100 * share).toFixed(1)}%`;
}

/** Write a token for a voice: the signs for what is not seen become words. */
function spoken(text) {
  const words = { "␣": " space ", "⏎": " newline ", "␍": " carriage return ", "⇥": " tab " };
  return text.replace(/[␣⏎␍⇥]/g, (sign) => words[sign]).trim();
}

/** Make an element; `content` is a text, which is never read as HTML, or a list of elements and texts. */
function make(tag, attributes = {}, content = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("--")) element.style.setProperty(name, value);
    else element.setAttribute(name, value);
  }
  element.append(...[content].flat());
  return element;
}

/** Make a token to stand in a sentence or a table. */
function quoted(token) {
  return make("span", { class: "quoted", translate: "no" }, token.text);
}
