/**
 * Draws the recording of the page that it is in. Runs in a browser, as a module script, after the
 * library; a packed node is [frame, self, before, children] (flamegraphs/read/packed.ts).
 */
const { d3, document, flamegraph, window } = globalThis;

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const recording = read('recording');
const { stages, unit } = read('display');
const at = (id) => document.getElementById(id);
const colours = new Map(stages.map(({ colour, name }) => [name, colour]));

const IDLE = 'idle';
const ALL = 'all';
const CELL_PX = 18;
/** Narrower ones are not drawn until they are zoomed to. */
const FRAME_PX_MIN = 0.4;
const ZOOM_MS = 150;

const amount = (value) => {
  if (value === 0) return '0';
  if (value >= 100) return value.toFixed(0);
  return value.toPrecision(3);
};

const labelOf = ([name, file, line]) => {
  if (file === '') return name;
  return line > 0 ? `${name} ${file}:${line}` : `${name} ${file}`;
};

/** A node as the library wants it: n(ame), v(alue), c(hildren); and more, of ours. */
const newNode = (frame) => ({ n: labelOf(frame), frame, v: 0, self: 0, before: 0, now: 0, c: [] });

/** Weights of a node itself; where two recordings are compared it is as wide as the larger. */
const give = (node, now, before) => {
  node.self += now;
  node.now += now;
  node.before += before;
  node.v += Math.max(now, before);
};

const carry = (parent, child) => {
  parent.now += child.now;
  parent.before += child.before;
  parent.v += child.v;
};

function build([number, now = 0, before = 0, children = []], shown) {
  const node = newNode(recording.frames[number]);
  give(node, now, before);
  for (const packed of children) {
    if (!shown(recording.frames[packed[0]])) continue;
    const child = build(packed, shown);
    if (child.v === 0) continue;
    carry(node, child);
    node.c.push(child);
  }
  return node;
}

/** The tree from the functions themselves to those who called them. */
function turnRound(root) {
  const turned = newNode(root.frame);
  turned.n = root.n;
  const childOf = (parent, frame) => {
    parent.of ??= new Map();
    const key = frame.join('\n');
    if (!parent.of.has(key)) {
      const made = newNode(frame);
      parent.of.set(key, made);
      parent.c.push(made);
    }
    return parent.of.get(key);
  };
  const visit = (node, callers) => {
    const own = {
      now: node.self,
      before: node.before - node.c.reduce((sum, child) => sum + child.before, 0),
    };
    if (node !== root && Math.max(own.now, own.before) > 0) {
      give(turned, own.now, own.before);
      let place = turned;
      for (const frame of [node.frame, ...callers]) {
        place = childOf(place, frame);
        give(place, own.now, own.before);
      }
    }
    const next = node === root ? callers : [node.frame, ...callers];
    for (const child of node.c) visit(child, next);
  };
  visit(root, []);
  return turned;
}

/** What is drawn: one thread, or all that are not idle. */
function treeOf() {
  const idle = at('idle').checked;
  const shown = ([, , , stage]) => idle || stage !== IDLE;
  const wanted = at('threads').value;
  const root = newNode([recording.title, '', 0, 'other']);
  for (const [i, thread] of recording.threads.entries()) {
    if (wanted !== ALL && wanted !== String(i)) continue;
    const tree = build(thread.root, shown);
    tree.n = thread.name;
    if (tree.v === 0) continue;
    carry(root, tree);
    root.c.push(tree);
  }
  const [only] = root.c;
  const tree = root.c.length === 1 ? only : root;
  return at('view').value === 'callers' ? turnRound(tree) : tree;
}

const percent = (part, all) => (all > 0 ? ` (${((part / all) * 100).toFixed(2)} %)` : '');

const show = (value) => `${amount(value / unit.divisor)} ${unit.label}`;

function describe({ data }) {
  const { before, n, now, self } = data;
  if (recording.compared) {
    const change = now - before;
    return `${n}: ${show(before)} before, ${show(now)} now, ${change < 0 ? '-' : '+'}${show(Math.abs(change))}`;
  }
  const own = self > 0 && self < now ? `, itself ${show(self)}` : '';
  return `${n}: ${show(now)}${percent(now, drawn.now)}${own}`;
}

/** Grey where nothing changed, red to the right of it, blue to the left. */
function changeColour({ before, now }) {
  const change = (now - before) / Math.max(now, before, Number.MIN_VALUE);
  const strength = Math.round(Math.min(1, Math.abs(change)) * 100);
  return `color-mix(in oklab, ${change > 0 ? '#ef5b50' : '#4f93e0'} ${strength}%, #d8dadd)`;
}

const MATCH = '#e261d8';
const FADED = '#d8dadd';

let picked = '';

function colourOf(node) {
  if (node.highlight) return MATCH;
  const [, , , stage] = node.data.frame;
  if (picked !== '' && stage !== picked) return FADED;
  return recording.compared ? changeColour(node.data) : colours.get(stage);
}

let drawn = newNode(['', '', 0, 'other']);
let chart = undefined;

const widerFirst = (one, other) => other.data.v - one.data.v;

function draw() {
  drawn = treeOf();
  const box = at('chart');
  box.replaceChildren();
  chart = flamegraph.default();
  // A setting of the chart, not a list's own.
  // oxlint-disable-next-line unicorn/no-array-sort
  chart.sort(widerFirst);
  chart
    .width(box.clientWidth)
    .cellHeight(CELL_PX)
    .minFrameSize(FRAME_PX_MIN)
    .transitionDuration(0)
    .inverted(true)
    .resetHeightOnZoom(true)
    .setLabelHandler(describe)
    .setColorMapper(colourOf)
    .setSearchMatch((node, term) => matches(node.data.n, term))
    .setSearchHandler((results, sum) => {
      at('found').textContent =
        results.length === 0
          ? 'nothing found'
          : `${results.length} found: ${show(sum)}${percent(sum, drawn.v)}`;
    })
    .setDetailsElement(at('details'));
  d3.select(box).datum(drawn).call(chart);
  search();
  chart.transitionDuration(ZOOM_MS);
}

function matches(name, term) {
  try {
    return new RegExp(term, 'i').test(name);
  } catch {
    return name.includes(term);
  }
}

function search() {
  const term = at('search').value.trim();
  at('found').textContent = '';
  if (term === '') chart.clear();
  else chart.search(term);
}

function stagesShown() {
  const weights = new Map();
  const visit = ([number, now = 0, before = 0, children = []]) => {
    const [, , , stage] = recording.frames[number];
    weights.set(stage, (weights.get(stage) ?? 0) + now + before);
    for (const child of children) visit(child);
  };
  for (const { root } of recording.threads) visit(root);
  return stages.filter(({ name }) => name !== IDLE && (weights.get(name) ?? 0) > 0);
}

function drawLegend() {
  for (const { about, colour, name } of stagesShown()) {
    const swatch = document.createElement('i');
    swatch.style.background = colour;
    const button = document.createElement('button');
    button.type = 'button';
    button.title = about;
    button.dataset.stage = name;
    button.setAttribute('aria-pressed', 'false');
    button.append(swatch, name);
    button.addEventListener('click', () => pick(picked === name ? '' : name));
    const item = document.createElement('li');
    item.append(button);
    at('legend').append(item);
  }
}

function pick(stage) {
  picked = stage;
  for (const button of document.querySelectorAll('#legend button')) {
    button.setAttribute('aria-pressed', String(button.dataset.stage === stage));
  }
  chart.update();
}

function listThreads() {
  const names = [[ALL, 'all'], ...recording.threads.map(({ name }, i) => [String(i), name])];
  for (const [value, name] of names) at('threads').append(new window.Option(name, value));
}

listThreads();
drawLegend();
document.querySelector('.controls').hidden = false;
for (const id of ['threads', 'view', 'idle']) at(id).addEventListener('change', draw);
at('search').addEventListener('input', search);
at('reset').addEventListener('click', () => chart.resetZoom());
window.addEventListener('resize', () => {
  if (at('chart').clientWidth !== chart.width()) draw();
});
draw();
