/** `compose.yaml`, read as Docker Compose reads it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readYaml, type Yaml } from './yaml.ts';

export const ROOT = join(import.meta.dirname, '../..');

export interface Service {
  readonly image: string;
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly read_only?: string;
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<Record<string, unknown>>;
}

export interface Mount {
  /** A path of this repository, or the name of a volume. */
  readonly from: string;
  readonly to: string;
  readonly isReadOnly: boolean;
}

/** @param variables - of the operator's environment */
export function readCompose(variables: Readonly<Record<string, string>> = {}): Compose {
  return filled(readYaml(readFileSync(join(ROOT, 'compose.yaml'), 'utf8')), variables) as unknown as Compose;
}

/** `${NAME:-default}` becomes the variable, or what stands behind the dash. */
function filled(value: Yaml, variables: Readonly<Record<string, string>>): Yaml {
  if (typeof value === 'string')
    return value.replaceAll(/\$\{(\w+):-([^}]*)\}/g, (_, name, standard) => variables[name] || standard);
  if (Array.isArray(value)) return value.map((one) => filled(one, variables));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, variables)]));
}

export const mountsOf = ({ volumes = [] }: Service): Mount[] =>
  volumes.map((volume) => {
    const [from, to, mode = 'rw'] = volume.split(':');
    return { from, to, isReadOnly: mode === 'ro' };
  });

/** Those that are made of this repository. */
export const isOurs = ({ image }: Service): boolean => image === 'regrow';
