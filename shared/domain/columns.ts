import { z } from 'zod';

/** Column types that both engines have. */
export type ColumnType = 'STRING' | 'INT64' | 'FLOAT64' | 'BOOL' | 'TIMESTAMP' | 'DATE' | 'JSON' | 'BYTES';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
}

interface JsonSchemaNode {
  type?: string | string[];
  format?: string;
  anyOf?: JsonSchemaNode[];
  properties?: Record<string, JsonSchemaNode>;
}

/** One column per top-level field: scalars as they are, everything nested as JSON. The single source of both engines' schemas. */
export function columnsOf(schema: z.ZodObject): readonly Column[] {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchemaNode;
  return Object.entries(root.properties ?? {}).map(([name, node]) => columnOf(name, node));
}

function columnOf(name: string, node: JsonSchemaNode): Column {
  const variants = node.anyOf ?? [node.type].flat().map((type) => ({ ...node, type }) as JsonSchemaNode);
  const present = variants.filter((variant) => variant.type !== 'null');
  const nullable = present.length < variants.length;
  const only = present.length === 1 ? present[0] : undefined;
  return { name, type: only === undefined ? 'JSON' : scalarType(only), nullable };
}

function scalarType(node: JsonSchemaNode): ColumnType {
  switch (node.type) {
    case 'string':
      return node.format === 'date-time' ? 'TIMESTAMP' : 'STRING';
    case 'integer':
      return 'INT64';
    case 'number':
      return 'FLOAT64';
    case 'boolean':
      return 'BOOL';
    default:
      return 'JSON';
  }
}
