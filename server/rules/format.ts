/**
 * The rule file: safetensors (https://github.com/huggingface/safetensors), little-endian:
 *
 *   file    := headerBytes:u64  header:utf8{headerBytes}  tensors
 *   header  := JSON { "__metadata__": {string: string}, <tensor>: { dtype, shape, data_offsets } … }
 *   tensors := w1:f32[hidden][48]  b1:f32[hidden]  w2:f32[16][hidden]  b2:f32[16], in any order, without gaps
 *
 * Metadata that must be there: `formatVersion` "1", `name`, `fireRate`. Everything else is kept as it is.
 */
import { MAX_RULE_BYTES } from '../../shared/limits.ts';
import { CHANNELS, MAX_HIDDEN, PERCEPTION, type Rule, RuleError, TENSORS, type TensorName } from './rule.ts';

const FORMAT_VERSION = '1';
const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

interface Tensor {
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** @throws RuleError when it is not a rule name */
export function checkName(name: string): string {
  if (!NAME.test(name)) {
    throw new RuleError(`${quote(name)} is not a rule name: 1 to 32 of a-z, 0-9 and -, not beginning with -`);
  }
  return name;
}

/** @throws RuleError naming the first fact that is wrong; a bad file is refused whole */
export function parseRule(bytes: Uint8Array): Rule {
  if (bytes.length > MAX_RULE_BYTES) {
    throw new RuleError(`the file has ${bytes.length} bytes, at most ${MAX_RULE_BYTES} are read`);
  }
  if (bytes.length < 8)
    throw new RuleError(`the file has ${bytes.length} bytes, too few for a header length`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getBigUint64(0, true);
  if (headerBytes > BigInt(bytes.length - 8)) {
    throw new RuleError(`the header claims ${headerBytes} bytes, the file has ${bytes.length - 8} left`);
  }
  const dataStart = 8 + Number(headerBytes);
  const header = readHeader(bytes.subarray(8, dataStart));
  const metadata = readMetadata(header.get('__metadata__'));
  header.delete('__metadata__');
  const tensors = readTensors(header, bytes.length - dataStart);
  const values = (name: TensorName): Float32Array => {
    const { begin, end } = tensors[name];
    const out = new Float32Array((end - begin) / 4);
    for (let i = 0; i < out.length; i++) {
      out[i] = view.getFloat32(dataStart + begin + i * 4, true);
      if (!Number.isFinite(out[i])) throw new RuleError(`${name} holds ${out[i]} at index ${i}`);
    }
    return out;
  };
  const { formatVersion, name, fireRate, ...others } = metadata;
  if (formatVersion !== FORMAT_VERSION) {
    throw new RuleError(
      formatVersion === undefined
        ? 'the metadata lacks formatVersion'
        : `format version ${quote(formatVersion)} is not known, only ${quote(FORMAT_VERSION)}`,
    );
  }
  if (name === undefined) throw new RuleError('the metadata lacks name');
  return {
    name: checkName(name),
    hidden: tensors.b1.shape[0],
    w1: values('w1'),
    b1: values('b1'),
    w2: values('w2'),
    b2: values('b2'),
    fireRate: readFireRate(fireRate),
    metadata: others,
  };
}

function readHeader(bytes: Uint8Array): Map<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new RuleError(
      `the header is not JSON: ${(error as Error).message.replaceAll(/\s+/g, ' ').slice(0, 120)}`,
    );
  }
  if (!isRecord(header)) throw new RuleError('the header is not a JSON object');
  return new Map(Object.entries(header));
}

function readMetadata(metadata: unknown): Record<string, string> {
  if (metadata === undefined) throw new RuleError('the header lacks __metadata__');
  if (!isRecord(metadata)) throw new RuleError('__metadata__ is not an object');
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw new RuleError(`metadata ${quote(key)} is not a string`);
  }
  return metadata as Record<string, string>;
}

function readFireRate(text: string | undefined): number {
  if (text === undefined) throw new RuleError('the metadata lacks fireRate');
  const fireRate = text.trim() === '' ? Number.NaN : Number(text);
  if (!(fireRate > 0 && fireRate <= 1)) throw new RuleError(`fireRate ${quote(text)} is not in (0, 1]`);
  return fireRate;
}

function readTensors(header: Map<string, unknown>, dataBytes: number): Record<TensorName, Tensor> {
  for (const name of header.keys()) {
    if (!(TENSORS as readonly string[]).includes(name)) throw new RuleError(`unknown tensor ${quote(name)}`);
  }
  const tensors = Object.fromEntries(
    TENSORS.map((name) => [name, readTensor(name, header.get(name), dataBytes)]),
  ) as Record<TensorName, Tensor>;
  const [hidden] = tensors.b1.shape;
  if (tensors.b1.shape.length !== 1 || hidden < 4 || hidden > MAX_HIDDEN || hidden % 4 !== 0) {
    throw new RuleError(
      `b1 has shape [${tensors.b1.shape}], expected [hidden] with hidden a multiple of 4 from 4 to ${MAX_HIDDEN}`,
    );
  }
  const wanted: Record<TensorName, number[]> = {
    w1: [hidden, PERCEPTION],
    b1: [hidden],
    w2: [CHANNELS, hidden],
    b2: [CHANNELS],
  };
  for (const name of TENSORS) {
    const got = `[${tensors[name].shape}]`;
    if (got !== `[${wanted[name]}]`)
      throw new RuleError(`${name} has shape ${got}, expected [${wanted[name]}]`);
  }
  checkCoverage(tensors, dataBytes);
  return tensors;
}

function readTensor(name: TensorName, entry: unknown, dataBytes: number): Tensor {
  if (entry === undefined) throw new RuleError(`tensor ${name} is missing`);
  if (!isRecord(entry)) throw new RuleError(`the entry of ${name} is not an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (dtype !== 'F32') throw new RuleError(`${name} has dtype ${quote(String(dtype))}, expected F32`);
  if (!isCounts(shape)) throw new RuleError(`${name} has a shape that is not of whole numbers`);
  if (!isCounts(offsets) || offsets.length !== 2)
    throw new RuleError(`${name} has data_offsets that are not two whole numbers`);
  const [begin, end] = offsets;
  if (begin > end || end > dataBytes) {
    throw new RuleError(`${name} lies at ${begin}..${end}, outside the ${dataBytes} bytes of tensors`);
  }
  const bytes = shape.reduce((product, size) => product * size, 4);
  if (end - begin !== bytes) {
    throw new RuleError(`${name} has ${end - begin} bytes, its shape [${shape}] takes ${bytes}`);
  }
  return { shape, begin, end };
}

/** Tensors follow one another without gap or overlap, as safetensors requires. */
function checkCoverage(tensors: Record<TensorName, Tensor>, dataBytes: number): void {
  let end = 0;
  for (const name of TENSORS.toSorted((a, b) => tensors[a].begin - tensors[b].begin)) {
    const { begin } = tensors[name];
    if (begin < end) throw new RuleError(`${name} overlaps the tensor before it`);
    if (begin > end) throw new RuleError(`${begin - end} bytes before ${name} belong to no tensor`);
    end = tensors[name].end;
  }
  if (end !== dataBytes)
    throw new RuleError(`${dataBytes - end} bytes after the last tensor do not belong to a tensor`);
}

/** @throws RuleError when the rule could not be read back */
export function serializeRule(rule: Rule): Uint8Array {
  const { formatVersion: _, name: _name, fireRate: _rate, ...others } = rule.metadata;
  const metadata = {
    formatVersion: FORMAT_VERSION,
    name: rule.name,
    fireRate: String(rule.fireRate),
    ...others,
  };
  const header: Record<string, unknown> = { __metadata__: metadata };
  const shapes = {
    w1: [rule.hidden, PERCEPTION],
    b1: [rule.hidden],
    w2: [CHANNELS, rule.hidden],
    b2: [CHANNELS],
  };
  let dataBytes = 0;
  for (const name of TENSORS) {
    const end = dataBytes + rule[name].length * 4;
    header[name] = { dtype: 'F32', shape: shapes[name], data_offsets: [dataBytes, end] };
    dataBytes = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes + dataBytes).fill(0x20, 8, 8 + headerBytes);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(json, 8);
  let at = 8 + headerBytes;
  for (const name of TENSORS) {
    for (const value of rule[name]) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  parseRule(bytes);
  return bytes;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry) && entry >= 0);

/** For messages: one line of bounded length, without control characters. */
const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
