import ts from 'typescript';

/** What a piece of code takes from the machine instead of being handed it. */
export type Reach = 'environment' | 'time' | 'randomness';

export interface Found {
  readonly reach: Reach;
  readonly line: number;
  readonly text: string;
}

/** Finds `process.env`, `Date.now`, `new Date()`, `Date()` and `Math.random` in code, not in comments or strings. */
export function reachesIn(source: string): readonly Found[] {
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true);
  const found: Found[] = [];
  const visit = (node: ts.Node): void => {
    const reach = reachOf(node);
    if (reach !== null) {
      const line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
      found.push({ reach, line, text: node.getText(file) });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function reachOf(node: ts.Node): Reach | null {
  const member = memberOf(node);
  if (member !== null) {
    if (/^(globalThis\.)?process\.env$/.test(member)) return 'environment';
    if (/^(globalThis\.)?Date\.now$/.test(member)) return 'time';
    if (/^(globalThis\.)?Math\.random$/.test(member)) return 'randomness';
  }
  if (ts.isImportDeclaration(node) && /^['"](node:)?process['"]$/.test(node.moduleSpecifier.getText()))
    return 'environment';
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) return 'time';
  if (ts.isCallExpression(node) && node.expression.getText() === 'Date') return 'time';
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name)) return taken(node.name, node.initializer);
  return null;
}

/** `a.b` and `a['b']` as "a.b"; null for anything else. */
function memberOf(node: ts.Node): string | null {
  if (ts.isPropertyAccessExpression(node)) return `${node.expression.getText()}.${node.name.text}`;
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
    return `${node.expression.getText()}.${node.argumentExpression.text}`;
  }
  return null;
}

/** `const { env } = process` and the like. */
function taken(pattern: ts.ObjectBindingPattern, from: ts.Expression | undefined): Reach | null {
  const names = pattern.elements.map(({ propertyName, name }) => (propertyName ?? name).getText());
  const source = from?.getText();
  if (source === 'process' && names.includes('env')) return 'environment';
  if (source === 'Date' && names.includes('now')) return 'time';
  return source === 'Math' && names.includes('random') ? 'randomness' : null;
}
