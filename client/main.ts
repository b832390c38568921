/** The client: joins, decodes, draws, and shows the HUD. Wiring only. */
import type { StatsMessage } from '../shared/protocol.ts';
import { expose } from './debug.ts';
import { byId } from './dom.ts';
import { Door } from './draw/door.ts';
import { Brush } from './hands/brush.ts';
import { Ghosts } from './hands/ghosts.ts';
import { useHands } from './hands/hands.ts';
import { Inspector } from './hands/inspector.ts';
import { Planting } from './hands/planting.ts';
import { Brand } from './hud/brand.ts';
import { Card } from './hud/card.ts';
import { Dock } from './hud/dock.ts';
import { freeView, labelRoom } from './hud/freeView.ts';
import { Help } from './hud/help.ts';
import { HudButtons } from './hud/hudButtons.ts';
import { LearnedCard } from './hud/learnedCard.ts';
import { NameField } from './hud/nameField.ts';
import { Banner, Hint, Toasts, TroubleBanner } from './hud/notices.ts';
import { PeopleDialog } from './hud/peopleDialog.ts';
import { ReportDialog } from './hud/reportDialog.ts';
import { StatsPanel } from './hud/statsPanel.ts';
import { Join } from './join.ts';
import { attend } from './net/attention.ts';
import { Connection } from './net/connection.ts';
import { NurseryDoor } from './nursery/nurseryDoor.ts';
import { Address } from './scene/address.ts';
import { playerColor } from './scene/overlay.ts';
import { Players } from './scene/players.ts';
import { Seeds } from './scene/seeds.ts';
import { MIN_VISIBLE_ALPHA } from './scene/silhouette.ts';
import { Stage } from './scene/stage.ts';
import { Viewpoint } from './scene/viewpoint.ts';
import { Theme } from './style/theme.ts';

const theme = new Theme();
const brand = new Brand();
const viewpoint = new Viewpoint();
const connection = new Connection(new URL('.', location.href).href);
const ghosts = new Ghosts();
const players = new Players();
const planting = new Planting((question) => connection.askRoom(question));
const brush = new Brush(ghosts, planting, (stroke) => connection.stroke(stroke));
const report = new ReportDialog(byId<HTMLDialogElement>('report'), (message) => connection.report(message));
const people = new PeopleDialog(
  byId<HTMLDialogElement>('people'),
  () =>
    Array.from(players.others, ({ id, name, hue }) => ({ id, name, color: playerColor(hue, theme.isDark) })),
  (player, name) => report.askName(player, name),
);
const seeds = new Seeds(() => stage.refresh());
const card = new Card(byId('inspector'), {
  close: () => inspector.release(),
  remove: (organism) => connection.remove(organism),
  report: (organism, name) => report.askBody(organism, name),
});
const inspector: Inspector = new Inspector(card, {
  inspect: (at) => connection.inspect(at),
  isAlive: (x, y) => join.cellAt(x, y)[3] >= MIN_VISIBLE_ALPHA || seeds.isAt(x, y),
});
const root = byId('stage');
const overlay = byId<HTMLCanvasElement>('overlay');
const ground = byId<HTMLCanvasElement>('ground');
const stage: Stage = new Stage({
  root,
  ground,
  sleepers: byId('sleepers'),
  overlay,
  theme,
  viewpoint,
  ghosts,
  players,
  brush,
  planting,
  inspector,
  seeds,
  free: freeView,
  labelRoom,
  askLight: () => join.askLight(),
});
const address = new Address((camera) => viewpoint.look(camera));
const join = new Join({
  connection,
  stage,
  viewpoint,
  address,
  canvas: byId<HTMLCanvasElement>('world'),
  minimap: byId('minimap'),
});

const toasts = new Toasts(byId('toasts'));
const banner = new Banner(byId('banner'), () => connection.retryNow());
const trouble = new TroubleBanner(byId('trouble'));
const hint = new Hint(byId('hint'));
const help = new Help(byId<HTMLDialogElement>('help'));
const learned = new LearnedCard(byId('learned'));
const statsPanel = new StatsPanel(byId('stats'), () => people.open());
const nameField = new NameField(byId<HTMLInputElement>('name'), (name) => connection.rename(name));
const buttons = new HudButtons({ theme, help });
const door = new Door(
  {
    theme,
    nursery: {
      get mode() {
        return join.hello?.nursery ?? 'off';
      },
      submit: (message) => connection.submit(message),
    },
  },
  {
    cover: (isCovered) => connection.cover(isCovered),
    failed: (reason) => toasts.show(reason),
  },
);
const nursery = new NurseryDoor({
  plant(species) {
    brush.choose('plant');
    brush.chooseSpecies(species);
  },
  draw: () => void door.open(),
  withdraw: (drawing) => connection.withdraw(drawing),
  failed: (reason) => toasts.show(reason),
});
const dock = new Dock(byId('dock'), brush, {
  draw: () => void door.open(),
  nursery: () => void nursery.open(),
});

let stats: StatsMessage | null = null;

join.met.on((message) => {
  players.become(message.you);
  planting.meet(message);
  brush.meet(message, message.species, message.budget, performance.now());
  inspector.learn(message.species);
  learned.meet(message.species);
  door.meet();
  dock.offerNursery((message.nursery ?? 'off') !== 'off');
  help.describe(message);
  nameField.greet(message);
  buttons.tint(players.hue(message.you));
});
join.opened.on(({ start }) => {
  hint.greet();
  inspector.ask(start.x, start.y);
});
join.resumed.on(() => inspector.resume());
join.failed.on(() => {
  hint.hide();
  banner.show({ text: 'This browser cannot draw the world: it has no WebGL 2.', retryMs: Infinity });
});

connection.lost.on((loss) => {
  banner.show(loss);
  if (loss === null) return;
  trouble.show({});
  trouble.pace(1);
  brush.cancel();
  ghosts.clear();
  seeds.clear();
  brush.budget.forgetPending();
  statsPanel.showLine(Number.NaN, Number.NaN);
});
connection.players.on((message) => {
  players.apply(message);
  for (const { player, tool, radius, points } of message.strokes)
    if (!players.isYou(player)) ghosts.other(players.hue(player), tool, radius, points, performance.now());
  if (join.hello !== null) buttons.tint(players.hue(join.hello.you));
  stage.refresh();
});
connection.strokeResult.on((result) => brush.settle(result, performance.now()));
connection.stats.on((message) => {
  stats = message;
  statsPanel.show(message);
  trouble.show(message);
  statsPanel.showLine(connection.latencyMs, connection.bytesPerSecond);
});
connection.pace.on(({ frames }) => trouble.pace(frames));
connection.inspection.on((message) => {
  inspector.apply(message);
  stage.refresh();
});
connection.seeds.on((message) => seeds.apply(message, performance.now()));
connection.room.on((answer) => planting.settle(answer));
planting.changed.on(() => stage.refresh());
connection.species.on(({ species }) => {
  brush.learn(species);
  inspector.learn(species);
});
connection.budget.on(({ budget }) => {
  brush.learnBudget(budget, performance.now());
  stage.refresh();
});
connection.named.on((message) => {
  nameField.settle(message);
  if (message.reason !== undefined) toasts.show(message.reason);
});
connection.submitted.on((answer) => door.settle(answer));
connection.notice.on(({ text }) => toasts.tell(text));
connection.drawings.on((message) => nursery.learn(message));
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
  viewpoint,
  brush,
  inspector,
  point: (at) => connection.moveCursor(at),
  help: () => help.toggle(),
  home: () => stage.goHome(),
});

expose({
  get ready() {
    return join.isReady;
  },
  get hello() {
    return join.hello;
  },
  get stats() {
    return stats;
  },
  get level() {
    return viewpoint.level;
  },
  get heldSeed() {
    return planting.shown === null ? null : { ...planting.shown, species: planting.shown.species.name };
  },
  get decoded() {
    return join.decoded;
  },
  cellAt: (x, y) => join.cellAt(x, y),
  screenToCell: (x, y) => viewpoint.toCell({ x, y }),
  cellToScreen: (x, y) => viewpoint.toScreen(x, y),
  setCamera: (x, y, zoom) => viewpoint.look({ x, y, zoom }),
  stroke: (tool, radius, points, species = '') =>
    brush.stroke(tool, radius, points, species, performance.now()),
});

door.followLink();
void brand.show();
connection.start();
attend(connection);
