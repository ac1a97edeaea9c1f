import { NAMESPACES } from '../facts.ts';
import { type ClusterObject, head } from './object.ts';

export const namespaceObjects = (bornMs: number): readonly ClusterObject[] =>
  NAMESPACES.map((name) => ({
    ...head({
      apiVersion: 'v1',
      kind: 'Namespace',
      name,
      createdMs: bornMs,
      labels: { 'kubernetes.io/metadata.name': name },
    }),
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }));
