/** Which objects of a list are asked for. */
import { type ClusterObject, fieldOf } from '../objects/object.ts';

export type Selector = (object: ClusterObject) => boolean;

const WORD = '[A-Za-z0-9._/-]+';
const SET = new RegExp(`^(${WORD})\\s+(in|notin)\\s+\\(([^()]*)\\)$`);
const EQUALITY = new RegExp(`^(${WORD})\\s*(==|=|!=)\\s*(${WORD})?$`);
const PRESENCE = new RegExp(`^(!?)\\s*(${WORD})$`);

/** @throws RangeError in the API's words */
export function labelSelector(text: string): Selector {
  const requirements = splitOutside(text).map(requirementOf);
  return ({ metadata: { labels = {} } }) => requirements.every((holds) => holds(labels));
}

type Requirement = (labels: Readonly<Record<string, string>>) => boolean;

function requirementOf(part: string): Requirement {
  const [, key = '', sign, values = ''] = SET.exec(part) ?? [];
  if (sign !== undefined) {
    const set = values.split(',').map((value) => value.trim());
    return (labels) => (Object.hasOwn(labels, key) && set.includes(labels[key] ?? '')) === (sign === 'in');
  }
  const [, name = '', equal, value = ''] = EQUALITY.exec(part) ?? [];
  if (equal !== undefined)
    return (labels) => (Object.hasOwn(labels, name) && labels[name] === value) === (equal !== '!=');
  const [, not, present] = PRESENCE.exec(part) ?? [];
  if (present === undefined)
    throw new RangeError(`unable to parse requirement: found '${part}', expected: identifier or an operator`);
  return (labels) => Object.hasOwn(labels, present) === (not === '');
}

/** At the commas that are not within brackets. */
const splitOutside = (text: string): readonly string[] =>
  text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** Those that are asked for by field; the API has no others of what it has here. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  'metadata.name': ['metadata', 'name'],
  'metadata.namespace': ['metadata', 'namespace'],
  'spec.nodeName': ['spec', 'nodeName'],
  'status.phase': ['status', 'phase'],
  'involvedObject.name': ['involvedObject', 'name'],
  'involvedObject.namespace': ['involvedObject', 'namespace'],
  'involvedObject.uid': ['involvedObject', 'uid'],
  'involvedObject.kind': ['involvedObject', 'kind'],
};

/** @throws RangeError in the API's words */
export function fieldSelector(text: string): Selector {
  const requirements = splitOutside(text).map((part) => {
    const [, name = '', sign, value = ''] = EQUALITY.exec(part) ?? [];
    if (sign === undefined) throw new RangeError(`invalid field selector: "${part}"; can't understand "${part}"`);
    const path = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (path === undefined) throw new RangeError(`field label not supported: ${name}`);
    return (object: ClusterObject): boolean => (String(fieldOf(object, ...path) ?? '') === value) === (sign !== '!=');
  });
  return (object) => requirements.every((holds) => holds(object));
}
