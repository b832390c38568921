/**
 * Teaches AssemblyScript's compiler the comment `// @inline` on the line before a function: it does what the decorator
 * `@inline` does. TypeScript and the linter allow decorators on classes only, so the comment lets both read the
 * kernels. The compiler loads this file by `--transform`. Plain JavaScript, because the compiler's types would declare
 * its globals (`load`, `i32` …) for the whole program.
 */
import { FunctionDeclaration, Node } from 'assemblyscript';

export default class Inline {
  /** @throws Error when a mark does not stand before a function: the kernel would be slower, and nothing else */
  afterParse(parser) {
    for (const source of parser.sources) {
      let marks = source.text.match(/\/\/ @inline/g)?.length ?? 0;
      if (marks === 0) continue;
      for (const statement of source.statements) {
        if (!(statement instanceof FunctionDeclaration)) continue;
        const { range } = statement;
        if (!source.text.slice(0, range.start).endsWith('// @inline\n')) continue;
        const name = Node.createIdentifierExpression('inline', range);
        statement.decorators = [Node.createDecorator(name, null, range)];
        marks--;
      }
      if (marks > 0) throw new Error(`${source.normalizedPath}: ${marks} × "// @inline" before no function`);
    }
  }
}
