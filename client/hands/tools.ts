/** The tools, in the order of the keys 1–5. */
import type { Tool } from '../../shared/protocol.ts';

export type ToolId = 'hand' | Tool;

export interface ToolInfo {
  readonly id: ToolId;
  readonly key: string;
  readonly label: string;
  readonly hint: string;
  /** Whether it paints along a drag. The others act once: `plant` where the pointer is let go, `truncate` where it is pressed. */
  readonly paints: boolean;
}

export const TOOL_LIST: readonly ToolInfo[] = [
  { id: 'hand', key: '1', label: 'Move', hint: 'Drag to look around, click to inspect', paints: false },
  {
    id: 'ablate',
    key: '2',
    label: 'Erase',
    hint: 'Drag across a creature and watch it regrow',
    paints: true,
  },
  { id: 'noise', key: '3', label: 'Noise', hint: 'Scramble the cells under the brush', paints: true },
  {
    id: 'truncate',
    key: '4',
    label: 'Shrink',
    hint: 'Click a Pokémon: only a disc around its centre stays',
    paints: false,
  },
  { id: 'plant', key: '5', label: 'Plant', hint: 'Click where a grown body has room', paints: false },
];

export const toolInfo = (id: ToolId): ToolInfo => TOOL_LIST.find((tool) => tool.id === id) ?? TOOL_LIST[0];
