/**
 * @typedef {object} Token
 * @property {"word" | "number" | "string" | "template" | "regex" | "punctuator" | "doc"} kind
 * @property {string} text - for a string the characters between the quotes, for a doc comment all of it
 * @property {number} line - from 1
 * @property {number} depth - open brackets of any kind around it
 */

const WORD = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /\d[\w.]*/y;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/\w*/y;

/** Words after which a slash begins a regular expression and not a division. */
const BEFORE_REGEX = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "delete",
  "void",
  "throw",
  "new",
  "else",
]);

/**
 * Split TypeScript into tokens, without blanks and ordinary comments. Doc comments stay.
 * Code inside a template's `${}` comes out as tokens of its own, after a "template" token for the text before it.
 * @param {string} source
 * @returns {Token[]}
 */
export function scan(source) {
  /** @type {Token[]} */
  const tokens = [];
  /** For each open bracket, whether it is the `${` of a template. @type {boolean[]} */
  const brackets = [];
  let line = 1;
  let at = 0;

  /** @param {Token["kind"]} kind @param {string} text @param {number} end */
  const add = (kind, text, end) => {
    tokens.push({ kind, text, line, depth: brackets.length });
    skipTo(end);
  };
  /** @param {number} end */
  const skipTo = (end) => {
    for (let i = at; i < end; i++) if (source[i] === "\n") line++;
    at = end;
  };
  /** @param {RegExp} pattern */
  const match = (pattern) => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  /** The text of a template up to its next `${` or its end; `at` is just inside. */
  const template = () => {
    let end = at;
    while (end < source.length && source[end] !== "`" && !source.startsWith("${", end)) {
      end += source[end] === "\\" ? 2 : 1;
    }
    const opens = source.startsWith("${", end);
    add("template", source.slice(at, end), end + (opens ? 2 : 1));
    if (opens) brackets.push(true);
  };
  const regexMayStart = () => {
    const last = tokens.findLast((token) => token.kind !== "doc");
    if (last === undefined) return true;
    if (last.kind === "word") return BEFORE_REGEX.has(last.text);
    return last.kind === "punctuator" && ![")", "]", "}"].includes(last.text);
  };

  while (at < source.length) {
    const char = source[at] ?? "";
    if (/\s/.test(char)) skipTo(at + 1);
    else if (source.startsWith("//", at) || (at === 0 && source.startsWith("#!"))) {
      const end = source.indexOf("\n", at);
      skipTo(end < 0 ? source.length : end);
    } else if (source.startsWith("/*", at)) {
      const close = source.indexOf("*/", at + 2);
      const end = close < 0 ? source.length : close + 2;
      if (/^\/\*\*[^/]/.test(source.slice(at, at + 4))) add("doc", source.slice(at, end), end);
      else skipTo(end);
    } else if (char === '"' || char === "'") {
      let end = at + 1;
      while (end < source.length && source[end] !== char) end += source[end] === "\\" ? 2 : 1;
      add("string", source.slice(at + 1, end), end + 1);
    } else if (char === "`") {
      skipTo(at + 1);
      template();
    } else if (char === "}" && brackets.at(-1) === true) {
      brackets.pop();
      skipTo(at + 1);
      template();
    } else if (char === "/" && regexMayStart() && match(REGEX) !== undefined) {
      const text = match(REGEX) ?? "";
      add("regex", text, at + text.length);
    } else {
      const word = match(WORD);
      const number = word === undefined ? match(NUMBER) : undefined;
      if (word !== undefined) add("word", word, at + word.length);
      else if (number !== undefined) add("number", number, at + number.length);
      else if ("}])".includes(char)) {
        brackets.pop();
        add("punctuator", char, at + 1);
      } else {
        add("punctuator", char, at + 1);
        if ("{[(".includes(char)) brackets.push(false);
      }
    }
  }
  return tokens;
}

/**
 * @typedef {object} Import
 * @property {string} specifier
 * @property {boolean} typeOnly - erased by the compiler
 * @property {number} line
 */

/**
 * Every static and dynamic import and every re-export with a `from`.
 * @param {string} source
 * @returns {Import[]}
 */
export function importsOf(source) {
  const tokens = scan(source).filter((token) => token.kind !== "doc");
  /** @type {Import[]} */
  const imports = [];
  for (const [i, { kind, text, line, depth }] of tokens.entries()) {
    if (kind !== "word" || (text !== "import" && text !== "export")) continue;
    const previous = tokens[i - 1];
    if (previous?.text === "." && previous.kind === "punctuator") continue;
    const next = tokens[i + 1];
    if (text === "import" && next?.text === "(" && next.kind === "punctuator") {
      const specifier = tokens[i + 2];
      // In a type position (`typeof import("x")`, `: import("x").Y`) it is erased as well.
      const inType = [":", "<", "|", "&", "typeof"].includes(previous?.text ?? "");
      if (specifier?.kind === "string") imports.push({ specifier: specifier.text, typeOnly: inType, line });
    } else if (depth === 0) {
      const specifier = specifierAfter(tokens, i);
      if (specifier === undefined) continue;
      const typeOnly = next?.text === "type" && tokens[i + 2]?.text !== "from" && tokens[i + 2]?.text !== ",";
      imports.push({ specifier, typeOnly, line });
    }
  }
  return imports;
}

/**
 * The specifier of the import or re-export that begins at `start`.
 * @param {Token[]} tokens
 * @param {number} start
 * @returns {string | undefined} `undefined` for an export of something declared here
 */
function specifierAfter(tokens, start) {
  for (let i = start + 1; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined) return undefined;
    const previous = tokens[i - 1];
    if (token.kind === "string") {
      const bare = i === start + 1 && tokens[start]?.text === "import";
      return bare || previous?.text === "from" ? token.text : undefined;
    }
    const inClause = token.kind === "word" || (token.kind === "punctuator" && "{}*,".includes(token.text));
    if (!inClause || (token.depth === 0 && isDeclaration(token.text))) return undefined;
  }
  return undefined;
}

/** @param {string} word */
function isDeclaration(word) {
  return /^(?:const|let|var|function|class|interface|enum|abstract|async|declare|default|import|export)$/.test(
    word,
  );
}
