// The norm of the residual stream: a row for the embedding and for each layer, a column for each token.
const STAGES = DATA.streamNorms.map((_, stage) => (stage === 0 ? "embedding" : `layer ${stage - 1}`));

class ResidualStream {
  constructor(select) {
    const norms = DATA.streamNorms.flat();
    const [low, high] = [Math.min(...norms), Math.max(...norms)];
    document.getElementById("norm-low").textContent = low.toFixed(3);
    document.getElementById("norm-high").textContent = `${high.toFixed(3)}, on a logarithmic scale`;
    document.getElementById("stages").append(...STAGES.map((name) => make("span", {}, name)));
    this.map = new HeatMap(document.getElementById("stream"), {
      rows: STAGES.length,
      columns: NUM_TOKENS,
      move: (stage, position) => select({ stage, position }, describeNorm({ stage, position })),
    });
    this.map.draw((stage, position) => logarithmicShade(DATA.streamNorms[stage][position], low, high));
  }

  show({ stage, position }) {
    this.map.place(stage, position);
    document.getElementById("norm").replaceChildren(
      make("p", { id: "norm-reading" }, [
        `Token ${position} `,
        quoted(DATA.tokens[position]),
        ` after ${STAGES[stage]}: norm `,
        make("strong", {}, DATA.streamNorms[stage][position].toFixed(3)),
      ]),
    );
  }
}

/** Return 0 for the smallest norm and 1 for the largest; zero has no logarithm and counts as the smallest. */
function logarithmicShade(norm, low, high) {
  const least = Math.max(low, high / 1e6, Number.MIN_VALUE);
  if (high <= least) return 0.5;
  return Math.max(0, Math.log(norm / least) / Math.log(high / least));
}

function describeNorm({ stage, position }) {
  const token = spoken(DATA.tokens[position].text);
  return `Token ${position}, ${token}, after ${STAGES[stage]}: norm ${DATA.streamNorms[stage][position].toFixed(3)}.`;
}
