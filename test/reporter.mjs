/**
 * What tap prints through: one line per file, failures in full, and last of all `N passed, N failed`. Tests are
 * counted, not assertions: a test is a subtest without subtests of its own (or a file without any). Whatever fails
 * outside of one (a crash, a timeout, a wrong plan) counts as one failed test more.
 */
import { Transform } from 'node:stream';
import { inspect } from 'node:util';
import { Parser } from 'tap-parser';

const output_lines_max = 100;

/** tap wants a class with `write` and `end` here. */
export default class Reporter extends Transform {
  constructor() {
    super({ decodeStrings: false });
    const total = { passed: 0, failed: 0, skipped: 0 };
    this.parser = new Parser();
    this.total = total;
    this.files_missing = 0;
    this.parser.on('plan', (plan) => {
      this.files_missing += plan.end;
    });
    watch(this.parser, newNode(''), (file) => {
      // Said of a file that has its own line; it takes the place of the last file, which tap then leaves out.
      if (file.name === 'timeout!' && file.point.diag?.expired) return;
      this.files_missing -= 1;
      const counts = count(file);
      for (const key of Object.keys(total)) total[key] += counts[key];
      this.push(render(file, counts));
    });
    this.parser.on('bailout', (reason) => {
      total.failed += 1;
      this.push(`\nBail out! ${reason}\n`);
    });
  }

  _transform(chunk, _encoding, done) {
    this.parser.write(String(chunk));
    done();
  }

  _flush(done) {
    this.parser.end();
    if (this.files_missing > 0) {
      this.total.failed += this.files_missing;
      this.push(
        `\nFAIL ${this.files_missing} files are missing above: run again after mending the timeout or crash.\n`,
      );
    }
    const { passed, failed, skipped } = this.total;
    this.push(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
    done();
  }
}

/** Failed until its closing point says otherwise: that of a killed test never comes. */
function newNode(name) {
  return { name, ok: false, point: { name, tapError: 'did not end' }, children: [], points: [], output: [] };
}

/** Builds the tree of one file below `parent`; `onFile` hears of each whole one. */
function watch(parser, node, onFile) {
  let child;
  // What a test wrote to stdout is heard at the root only, while its file is the open one.
  if (onFile) parser.on('extra', (text) => child?.output.push(text));
  parser.on('child', (childParser) => {
    child = newNode(childParser.name);
    node.children.push(child);
    watch(childParser, child);
  });
  parser.on('assert', (point) => {
    const subtest = child ?? (onFile ? newNode(point.name) : undefined);
    child = undefined;
    if (!subtest) {
      node.points.push(point);
      return;
    }
    Object.assign(subtest, { name: point.name, ok: point.ok, point });
    onFile?.(subtest);
  });
}

function isSet(directive) {
  return directive !== false && directive !== undefined && directive !== null;
}

function isSkipped(point) {
  return isSet(point.skip) || isSet(point.todo);
}

function count(node) {
  const sum = { passed: 0, failed: 0, skipped: node.points.filter(isSkipped).length };
  for (const child of node.children) {
    const counts = count(child);
    for (const key of Object.keys(sum)) sum[key] += counts[key];
  }
  if (node.children.length === 0) {
    if (!node.ok && !isSkipped(node.point)) sum.failed += 1;
    else if (isSkipped(node.point)) sum.skipped = Math.max(1, sum.skipped);
    else if (node.points.length === 0 || node.points.some((point) => !isSkipped(point))) sum.passed += 1;
  } else if (!node.ok && sum.failed === 0) {
    sum.failed += 1;
  }
  return sum;
}

function render(file, { passed, failed, skipped }) {
  const parts = [`${passed + failed} tests`, `${Math.round(file.point.time ?? 0)} ms`];
  if (skipped > 0) parts.splice(1, 0, `${skipped} skipped`);
  const line = `${failed > 0 ? 'FAIL' : 'ok  '} ${file.name} (${parts.join(', ')})\n`;
  if (failed === 0) return line;
  const output = file.output.join('').trimEnd().split('\n').slice(-output_lines_max).join('\n');
  return `\n${line}${failures(file, []).join('')}${output ? `\n  output:\n${indent(output, 4)}\n` : ''}\n`;
}

/** The failed assertions below a node; a node that failed without one tells why itself. */
function failures(node, path) {
  if (node.ok) return [];
  const here = [...path, node.name];
  const own = node.points.filter((point) => !point.ok && !isSkipped(point)).map((point) => describe(point, here));
  const below = node.children.flatMap((child) => failures(child, here));
  // A file tells its own end too: the signal or the exit code is found there only.
  const itself = own.length + below.length === 0 || (path.length === 0 && node.point.diag?.signal);
  return itself ? [...own, ...below, describe(node.point, path)] : [...own, ...below];
}

function describe(point, path) {
  // The runner's command line is the same for all.
  const { at, stack, diff, source, found, wanted, command, args, stdio, cwd, externalID, jobId, ...rest } =
    point.diag ?? {};
  const parts = [`\n  ✗ ${[...path, point.name].join(' › ')}`];
  if (at?.fileName) parts.push(`    at ${at.fileName}:${at.lineNumber}:${at.columnNumber}`);
  if (diff) parts.push(indent(diff, 4));
  else if (found !== undefined || wanted !== undefined)
    parts.push(`    found:  ${show(found)}`, `    wanted: ${show(wanted)}`);
  if (source) parts.push(indent(source, 4));
  if (stack) parts.push(indent(stack, 4));
  if (Object.keys(rest).length > 0) parts.push(indent(show(rest), 4));
  if (point.tapError) parts.push(`    ${point.tapError}`);
  return `${parts.join('\n')}\n`;
}

function show(value) {
  return inspect(value, { depth: 6, maxStringLength: 4_000, maxArrayLength: 50, breakLength: 120 });
}

function indent(text, spaces) {
  return text.trimEnd().replace(/^/gm, ' '.repeat(spaces));
}
