// One token is chosen in all parts of the page at once, with one map, one key and one stage.
const chosen = { position: mostSurprising(), layer: 0, head: 0, stage: STAGES.length - 1 };
chosen.key = keysByWeight(chosen)[0];
const parts = [new Tokens(select), new Attention(select), new ResidualStream(select)];

/** Change what is chosen, show it everywhere and, after a keystroke, say it to a screen reader. */
function select(change, announcement) {
  Object.assign(chosen, change);
  chosen.key = Math.min(chosen.key, chosen.position);
  for (const part of parts) part.show(chosen);
  if (announcement) announce(announcement);
}

let waiting;

/** Say something when the user has stopped for a moment, not at every step on the way. */
function announce(text) {
  clearTimeout(waiting);
  waiting = setTimeout(() => (document.getElementById("announcement").textContent = text), 150);
}

/** Return the token with the largest loss, or the only one. */
function mostSurprising() {
  const losses = DATA.losses.map((loss) => loss ?? -1);
  return losses.indexOf(Math.max(...losses));
}

function facts() {
  const losses = DATA.losses.slice(1);
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  return [
    ["tokens", NUM_TOKENS],
    ["layers", NUM_LAYERS],
    ["heads in each", NUM_HEADS],
    ["vocabulary", DATA.vocabSize.toLocaleString("en")],
    ...(losses.length ? [["mean loss", mean.toFixed(3)], ["perplexity", perplexity(mean)]] : []),
  ];
}

function perplexity(meanLoss) {
  return Math.exp(meanLoss).toLocaleString("en", { maximumFractionDigits: 2 });
}

document.getElementById("source").textContent = DATA.source;
for (const [name, value] of facts()) {
  document.getElementById("facts").append(make("div", {}, [make("dt", {}, name), make("dd", {}, String(value))]));
}
followTheme();
select({});
