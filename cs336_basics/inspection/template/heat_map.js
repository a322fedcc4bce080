// A grid of numbers as colors, with a cursor that the pointer and the arrow keys move.
class HeatMap {
  /** `move(row, column)` is called when the user goes to a cell. */
  constructor(element, { rows, columns, move }) {
    Object.assign(this, { element, rows, columns, move, row: 0, column: 0 });
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.guides = ["row-guide", "column-guide", "cursor"].map((name) => make("div", { class: name }));
    element.append(this.canvas, ...this.guides);
    element.style.setProperty("--rows", rows);
    element.style.setProperty("--columns", columns);
    for (const event of ["pointermove", "pointerdown"]) {
      element.addEventListener(event, (pointer) => this.follow(pointer));
    }
    element.addEventListener("keydown", (key) => this.step(key));
  }

  /** Let the element draw itself when it comes near the window; `shadeAt(row, column)` is 0 to 1, or null. */
  draw(shadeAt) {
    drawWhenNear(this.element, () => paint(this.canvas, this.rows, this.columns, shadeAt));
  }

  /** Put the cursor on a cell. */
  place(row, column) {
    Object.assign(this, { row, column });
    this.element.style.setProperty("--row", row);
    this.element.style.setProperty("--column", column);
  }

  follow(pointer) {
    const box = this.canvas.getBoundingClientRect();
    const row = Math.floor(((pointer.clientY - box.top) / box.height) * this.rows);
    const column = Math.floor(((pointer.clientX - box.left) / box.width) * this.columns);
    this.move(within(row, this.rows), within(column, this.columns));
  }

  step(key) {
    const size = key.shiftKey ? 10 : 1;
    const targets = {
      ArrowUp: [this.row - size, this.column],
      ArrowDown: [this.row + size, this.column],
      ArrowLeft: [this.row, this.column - size],
      ArrowRight: [this.row, this.column + size],
      Home: [this.row, 0],
      End: [this.row, this.columns - 1],
    };
    if (!(key.key in targets) || !isPlain(key)) return;
    key.preventDefault();
    const [row, column] = targets[key.key];
    this.move(within(row, this.rows), within(column, this.columns));
  }
}

/** Say whether a key comes without one of those that make it a command to the browser. */
function isPlain(key) {
  return !(key.altKey || key.ctrlKey || key.metaKey);
}

/** Return the place in 0..length-1 that is nearest to `index`. */
function within(index, length) {
  return Math.max(0, Math.min(length - 1, index));
}

// A page may have hundreds of maps: each is drawn when it comes near the window.
const drawings = new Map();
const nearby = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      nearby.unobserve(target);
      drawings.get(target)();
      target.dataset.drawn = "true";
    }
  },
  { rootMargin: "200px" },
);

function drawWhenNear(element, draw) {
  drawings.set(element, draw);
  nearby.unobserve(element);
  nearby.observe(element);
}

/** Give a canvas one pixel for each cell; where the shade is null it stays empty. */
function paint(canvas, rows, columns, shadeAt) {
  canvas.width = columns;
  canvas.height = rows;
  const image = new ImageData(columns, rows);
  const colors = ramp();
  for (let row = 0, pixel = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, pixel += 4) {
      const shade = shadeAt(row, column);
      if (shade === null) continue;
      image.data.set(colors[Math.round(255 * shade)], pixel);
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

let rampColors = null;

/** Return 256 colors between the three that the style sheet names, which differ in light and dark. */
function ramp() {
  if (rampColors) return rampColors;
  const style = getComputedStyle(document.documentElement);
  const stops = ["--shade-low", "--shade-middle", "--shade-high"].map((name) => {
    const digits = style.getPropertyValue(name).trim().slice(1);
    return [0, 2, 4].map((place) => parseInt(digits.slice(place, place + 2), 16));
  });
  rampColors = Array.from({ length: 256 }, (_, index) => {
    const place = (index / 255) * 2;
    const [from, to] = place <= 1 ? [stops[0], stops[1]] : [stops[1], stops[2]];
    const share = place <= 1 ? place : place - 1;
    return [...from.map((value, i) => Math.round(value + share * (to[i] - value))), 255];
  });
  return rampColors;
}

/** Draw everything anew in the colors of a theme that has changed. */
function followTheme() {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    rampColors = null;
    for (const [element, draw] of drawings) drawWhenNear(element, draw);
  });
}
