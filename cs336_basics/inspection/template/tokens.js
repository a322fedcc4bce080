// The text as tokens, and what the model expected in the place of the chosen one and after it.
const BLIND_GUESS = Math.log(DATA.vocabSize); // the loss when all tokens are equally likely

class Tokens {
  constructor(select) {
    this.list = document.getElementById("tokens");
    this.options = DATA.tokens.map((token, position) => tokenOption(token, position));
    for (const [position, option] of this.options.entries()) {
      this.list.append(option);
      if (DATA.tokens[position].text.includes("⏎")) this.list.append(make("br"));
    }
    // Not "pointerover", which also comes when the keyboard scrolls the list below a pointer at rest.
    for (const event of ["pointermove", "pointerdown"]) {
      this.list.addEventListener(event, (pointer) => {
        const position = this.options.indexOf(pointer.target.closest(".token"));
        if (position >= 0 && position !== this.position) select({ position });
      });
    }
    this.list.addEventListener("keydown", (key) => {
      const position = this.target(key.key);
      if (position === undefined || !isPlain(key)) return;
      key.preventDefault();
      select({ position }, describeToken(position));
      this.options[position].scrollIntoView({ block: "nearest" });
    });
    document.getElementById("loss-low").textContent = "loss 0";
    document.getElementById("loss-high").textContent = `${BLIND_GUESS.toFixed(2)}, a blind guess`;
    document.getElementById("signs").textContent = DATA.signs.join(", ");
  }

  /** Return where a key leads from the chosen token. */
  target(key) {
    if (key === "ArrowLeft") return within(this.position - 1, NUM_TOKENS);
    if (key === "ArrowRight") return within(this.position + 1, NUM_TOKENS);
    if (key === "ArrowUp") return this.inNextLine(-1);
    if (key === "ArrowDown") return this.inNextLine(1);
    if (key === "Home") return 0;
    if (key === "End") return NUM_TOKENS - 1;
    return undefined;
  }

  /** Return the token above (-1) or below (1) the chosen one; several such steps keep to one column. */
  inNextLine(direction) {
    const here = this.options[this.position].getBoundingClientRect();
    if (this.columnOf !== this.position) this.column = here.left + here.width / 2;
    let lineTop = null;
    let best = this.position;
    let bestDistance = Infinity;
    for (let other = this.position + direction; this.options[other]; other += direction) {
      const box = this.options[other].getBoundingClientRect();
      if (Math.abs(box.top - here.top) < 1) continue;
      lineTop ??= box.top;
      if (Math.abs(box.top - lineTop) >= 1) break;
      const distance = Math.abs(box.left + box.width / 2 - this.column);
      if (distance < bestDistance) [best, bestDistance] = [other, distance];
    }
    this.columnOf = best;
    return best;
  }

  show({ position, key }) {
    this.options[this.position ?? position].setAttribute("aria-selected", "false");
    this.options[position].setAttribute("aria-selected", "true");
    this.options[this.key ?? key].classList.remove("key");
    this.options[key].classList.add("key");
    this.list.setAttribute("aria-activedescendant", `token-${position}`);
    Object.assign(this, { position, key });
    document
      .getElementById("predictions")
      .replaceChildren(
        make("h3", {}, ["Token ", String(position), ": ", quoted(DATA.tokens[position])]),
        expectation("Expected in its place", position - 1),
        expectation("Expected next", position),
      );
  }
}

function tokenOption(token, position) {
  const loss = DATA.losses[position];
  const attributes = {
    class: "token",
    id: `token-${position}`,
    role: "option",
    "aria-selected": "false",
    "aria-label": `${spoken(token.text)}, id ${token.id}, ${loss === null ? "the first" : lossOf(position)}`,
    "--heat": Math.min(1, (loss ?? 0) / BLIND_GUESS).toFixed(3),
  };
  return make("span", attributes, [
    make("span", { class: "text" }, token.text),
    make("span", { class: "id" }, String(token.id)),
  ]);
}

/** Make the table of what the model expects after a position, with the loss of what comes there. */
function expectation(title, position) {
  const actual = DATA.tokens[position + 1];
  const note = position < 0 ? "nothing comes before it" : actual ? lossOf(position + 1) : "the text ends here";
  const rows = position < 0 ? [] : DATA.likeliest[position].map((guess) => guessRow(guess, actual));
  if (rows.length && actual && !DATA.likeliest[position].some((guess) => guess.id === actual.id)) {
    rows.push(guessRow({ ...actual, probability: Math.exp(-DATA.losses[position + 1]) }, actual));
  }
  return make("table", {}, [make("caption", {}, [title, make("small", {}, note)]), make("tbody", {}, rows)]);
}

function lossOf(position) {
  return `loss ${Math.abs(DATA.losses[position]).toFixed(3)}`; // rounding may have made 0 negative
}

function guessRow(guess, actual) {
  const isActual = guess.id === actual?.id;
  return make("tr", isActual ? { class: "actual" } : {}, [
    make("th", { scope: "row" }, [quoted(guess), isActual ? inTheText() : ""]),
    make("td", { class: "id" }, String(guess.id)),
    make("td", { class: "share", "--share": guess.probability.toFixed(4) }, percent(guess.probability)),
  ]);
}

function inTheText() {
  return make("span", { class: "mark" }, [
    make("span", { "aria-hidden": "true" }, " ✓"),
    make("span", { class: "unseen" }, " in the text"),
  ]);
}

function describeToken(position) {
  const loss = DATA.losses[position] === null ? "" : `${lossOf(position)}. `;
  const guesses = DATA.likeliest[position].map((guess) => `${spoken(guess.text)} ${percent(guess.probability)}`);
  return `Token ${position}. ${loss}Expected next: ${guesses.join(", ")}.`;
}
