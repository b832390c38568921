/** The client: joins, decodes, draws, and shows the HUD. Wiring only. */
import type { HelloMessage, StatsMessage } from '../shared/protocol.ts';
import { expose } from './debug.ts';
import { byId } from './dom.ts';
import { Brush } from './hands/brush.ts';
import { Ghosts } from './hands/ghosts.ts';
import { useHands } from './hands/hands.ts';
import { Inspector } from './hands/inspector.ts';
import { Planting } from './hands/planting.ts';
import { Card } from './hud/card.ts';
import { Dock } from './hud/dock.ts';
import { freeView, labelRoom } from './hud/freeView.ts';
import { Help } from './hud/help.ts';
import { HudButtons } from './hud/hudButtons.ts';
import { LearnedCard } from './hud/learnedCard.ts';
import { NameField } from './hud/nameField.ts';
import { Banner, Hint, Toasts } from './hud/notices.ts';
import { StatsPanel } from './hud/statsPanel.ts';
import { Connection } from './net/connection.ts';
import { Address } from './scene/address.ts';
import { Minimap } from './scene/minimap.ts';
import { Players } from './scene/players.ts';
import { Stage } from './scene/stage.ts';
import { WorldView } from './scene/worldView.ts';
import { Decoder } from './stream/decoder.ts';
import { Pyramid } from './stream/pyramid.ts';
import { Theme } from './style/theme.ts';

const theme = new Theme();
const connection = new Connection(location.origin);
const ghosts = new Ghosts();
const players = new Players();
const planting = new Planting((question) => connection.askRoom(question));
const brush = new Brush(ghosts, planting, (stroke) => connection.stroke(stroke));
const card = new Card(byId('inspector'), () => inspector.release());
const inspector: Inspector = new Inspector(card, {
  inspect: (at) => connection.inspect(at),
  isAlive: (x, y) => (view?.cellAt(x, y)[3] ?? 0) > 25,
});
const root = byId('stage');
const overlay = byId<HTMLCanvasElement>('overlay');
const ground = byId<HTMLCanvasElement>('ground');
const stage = new Stage({
  root,
  ground,
  overlay,
  theme,
  ghosts,
  players,
  brush,
  planting,
  inspector,
  free: freeView,
  labelRoom,
  askLight: () => decoder?.askLight(),
});
const address = new Address((camera) => stage.look(camera));

const toasts = new Toasts(byId('toasts'));
const banner = new Banner(byId('banner'), () => connection.retryNow());
const hint = new Hint(byId('hint'));
const help = new Help(byId<HTMLDialogElement>('help'));
const learned = new LearnedCard(byId('learned'));
const statsPanel = new StatsPanel(byId('stats'));
const nameField = new NameField(byId<HTMLInputElement>('name'), (name) => connection.rename(name));
const buttons = new HudButtons({ theme, help });
new Dock(byId('dock'), brush);

let hello: HelloMessage | null = null;
let stats: StatsMessage | null = null;
let decoder: Decoder | null = null;
let view: WorldView | null = null;
let isDrawn = false;

connection.hello.on((message) => {
  // The server has another world now, and nothing that is held fits it.
  if (hello !== null && (hello.width !== message.width || hello.height !== message.height)) location.reload();
  const isFirst = hello === null;
  hello = message;
  players.become(message.you);
  planting.meet(message);
  brush.meet(message, message.species, message.budget, performance.now());
  inspector.learn(message.species);
  learned.meet(message.species);
  help.describe(message);
  nameField.greet(message.name);
  buttons.tint(players.hue(message.you));
  if (isFirst) void open(message).catch(cannotDraw);
  else rejoin();
});

/** Called at the first hello: builds what needs to know the world. */
async function open(message: HelloMessage): Promise<void> {
  const feed = startDecoder(message);
  view = await WorldView.create(byId<HTMLCanvasElement>('world'), feed, message);
  document.documentElement.toggleAttribute('data-plain', view.isSoftware);
  stage.minimap = new Minimap(byId('minimap'), message, (x, y) => stage.look({ ...stage.camera, x, y }));
  stage.moved.on((camera) => {
    address.show(camera);
    look();
  });
  stage.open(message, message.start, view, address.read());
  hint.greet();
  inspector.ask(message.start.x, message.start.y);
}

function startDecoder(world: HelloMessage): Decoder {
  const started = new Decoder(world);
  const pyramid = new Pyramid(world);
  decoder = started;
  started.join();
  started.decoded.on((frame) => connection.acknowledge(frame));
  started.gaps.on((keys) => {
    // The server sends one level at a time. Gaps of other levels are reported again when that level is watched again.
    const wanted = keys.filter((key) => pyramid.levelOf(key) === stage.level);
    connection.askKeyframes(
      stage.level,
      wanted.map((key) => pyramid.indexOf(key)),
    );
  });
  started.arrived.on(() => {
    isDrawn = true;
    stage.invalidate();
  });
  started.light.on((light) => stage.shine(light));
  started.failed.on((reason) => {
    console.error(reason);
    connection.abandon('The pixels from the server could not be decoded.');
  });
  return started;
}

function rejoin(): void {
  decoder?.join();
  inspector.resume();
  look();
}

function look(): void {
  const rect = stage.visible;
  if (rect === null) return;
  connection.look(rect, stage.level);
  const pages = view?.pages;
  if (pages) decoder?.look(stage.level, pages);
}

function cannotDraw(error: unknown): void {
  console.error(error);
  connection.dispose();
  decoder?.dispose();
  hint.hide();
  banner.show({ text: 'This browser cannot draw the world: it has no WebGL 2.', retryMs: Infinity });
}

connection.frame.on((bytes) => decoder?.frame(bytes));
connection.lost.on((loss) => {
  banner.show(loss);
  if (loss === null) return;
  brush.cancel();
  ghosts.clear();
  brush.budget.forgetPending();
  statsPanel.showLine(Number.NaN, Number.NaN);
});
connection.players.on((message) => {
  players.apply(message);
  for (const { player, tool, radius, points } of message.strokes)
    if (!players.isYou(player)) ghosts.other(players.hue(player), tool, radius, points, performance.now());
  if (hello !== null) buttons.tint(players.hue(hello.you));
  stage.refresh();
});
connection.strokeResult.on((result) => brush.settle(result, performance.now()));
connection.stats.on((message) => {
  stats = message;
  statsPanel.show(message);
  statsPanel.showLine(connection.latencyMs, connection.bytesPerSecond);
});
connection.inspection.on((message) => {
  inspector.apply(message);
  stage.refresh();
});
connection.room.on((answer) => planting.settle(answer));
planting.changed.on(() => stage.refresh());
connection.species.on(({ species }) => {
  brush.learn(species);
  inspector.learn(species);
});
connection.notice.on(({ text }) => toasts.tell(text));
connection.learned.on((message) => learned.show(message));
brush.refused.on((reason) => {
  toasts.show(reason);
  stage.refresh();
});
brush.applied.on(() => {
  hint.done();
  planting.askAgain();
});
brush.changed.on(() => {
  root.dataset.tool = brush.tool;
  stage.refresh();
});
root.dataset.tool = brush.tool;

useHands({
  root,
  surface: byId('surface'),
  stage,
  brush,
  inspector,
  point: (at) => connection.moveCursor(at),
  help: () => help.toggle(),
  home: () => stage.goHome(),
});

expose({
  get ready() {
    return isDrawn && view !== null;
  },
  get hello() {
    return hello;
  },
  get stats() {
    return stats;
  },
  get level() {
    return stage.level;
  },
  get heldSeed() {
    return planting.shown === null ? null : { ...planting.shown, species: planting.shown.species.name };
  },
  get decoded() {
    return { frames: decoder?.frames ?? 0, ms: decoder?.decodeMs ?? 0 };
  },
  cellAt: (x, y) => view?.cellAt(x, y) ?? [0, 0, 0, 0],
  screenToCell: (x, y) => stage.toCell({ x, y }),
  cellToScreen: (x, y) => stage.toScreen(x, y),
  setCamera: (x, y, zoom) => stage.look({ x, y, zoom }),
  stroke: (tool, radius, points, species = '') =>
    brush.stroke(tool, radius, points, species, performance.now()),
});

connection.start();
