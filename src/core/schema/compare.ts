import type { FieldNode, Node, StructNode, UnionNode } from "./node.ts";

/** Pairs that are being compared: a pair inside itself differs only where it differs outside. */
type Open = Map<Node, Set<Node>>;

/**
 * Where two schemas cannot read each other's messages: the first difference in the order of their fields.
 *
 * They can when they are the same but for what one of them has more at the end: optional fields of a struct, members
 * of an enum, cases of a union. A value that uses one of those last two is refused by a peer that lacks it.
 * @returns path, what is here, and what is there; `undefined` where there is no difference.
 */
export function compare(here: Node, there: Node): string | undefined {
  return differ(here, there, "", new Map());
}

function differ(here: Node, there: Node, path: string, open: Open): string | undefined {
  const seen = open.get(here) ?? new Set<Node>();
  if (seen.has(there)) return undefined;
  seen.add(there);
  open.set(here, seen);
  if (here.kind === "lazy") return differ(here.get(), there, path, open);
  if (there.kind === "lazy") return differ(here, there.get(), path, open);
  if (here.kind !== there.kind) return say(path, nameOf(here), nameOf(there));
  switch (here.kind) {
    case "enum":
      return differNames(here.names, (there as typeof here).names, path, "member");
    case "decimal":
      return here.digits === (there as typeof here).digits
        ? undefined
        : say(path, nameOf(here), nameOf(there));
    case "array":
    case "record":
      return differ(here.of, (there as typeof here).of, `${path}[]`, open);
    case "nullable":
      return differ(here.of, (there as typeof here).of, path, open);
    case "map":
      return (
        differ(here.key, (there as typeof here).key, `${path}[key]`, open) ??
        differ(here.of, (there as typeof here).of, `${path}[]`, open)
      );
    case "tuple":
      return differTuple(here.of, (there as typeof here).of, path, open);
    case "struct":
      return differStruct(here, there as StructNode, path, open);
    case "union":
      return differUnion(here, there as UnionNode, path, open);
    default:
      return undefined;
  }
}

function differTuple(
  here: readonly Node[],
  there: readonly Node[],
  path: string,
  open: Open,
): string | undefined {
  if (here.length !== there.length) return say(path, `tuple of ${here.length}`, `tuple of ${there.length}`);
  return firstOf(here, (of, i) => differ(of, there[i] as Node, `${path}[${i}]`, open));
}

/** Required fields must be the same ones in the same order; of the optional ones a side may have more at the end. */
function differStruct(here: StructNode, there: StructNode, path: string, open: Open): string | undefined {
  return (
    differFields(split(here, false), split(there, false), true, path, open) ??
    differFields(split(here, true), split(there, true), false, path, open)
  );
}

function split(node: StructNode, optional: boolean): readonly FieldNode[] {
  return node.fields.filter((field) => field.optional === optional);
}

function differFields(
  here: readonly FieldNode[],
  there: readonly FieldNode[],
  whole: boolean,
  path: string,
  open: Open,
): string | undefined {
  const most = whole ? Math.max(here.length, there.length) : Math.min(here.length, there.length);
  const word = whole ? "required" : "optional";
  return firstOf(Array.from({ length: most }), (_, i) => {
    const mine = here[i];
    const other = there[i];
    if (mine?.name === other?.name && mine !== undefined && other !== undefined) {
      return differ(mine.of, other.of, join(path, mine.name), open);
    }
    const name = (mine ?? other)?.name as string;
    return say(join(path, name), fieldName(mine, name, word), fieldName(other, name, word));
  });
}

function fieldName(field: FieldNode | undefined, name: string, word: string): string {
  if (field === undefined) return `no such ${word} field`;
  return field.name === name ? `${word} ${nameOf(field.of)}` : `${word} field ${field.name} in its place`;
}

function differUnion(here: UnionNode, there: UnionNode, path: string, open: Open): string | undefined {
  if (here.tag !== there.tag) return say(path, `union by ${here.tag}`, `union by ${there.tag}`);
  const names = (node: UnionNode) => node.cases.map(({ name }) => name);
  return (
    differNames(names(here), names(there), path, "case") ??
    firstOf(here.cases, ({ name, of }, i) => {
      const other = there.cases[i]?.of;
      return other === undefined ? undefined : differ(of, other, join(path, `<${name}>`), open);
    })
  );
}

function differNames(
  here: readonly string[],
  there: readonly string[],
  path: string,
  what: string,
): string | undefined {
  return firstOf(here.slice(0, there.length), (name, i) =>
    name === there[i] ? undefined : say(path, `${what} ${i} ${name}`, `${there[i]}`),
  );
}

function firstOf<T>(
  items: readonly T[],
  look: (item: T, i: number) => string | undefined,
): string | undefined {
  for (const [i, item] of items.entries()) {
    const found = look(item, i);
    if (found !== undefined) return found;
  }
  return undefined;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function say(path: string, here: string, there: string): string {
  return `${path === "" ? "value" : path}: ${here} here, ${there} there`;
}

function nameOf(node: Node): string {
  if (node.kind === "decimal") return `decimal(${node.digits})`;
  return node.kind === "lazy" ? nameOf(node.get()) : node.kind;
}
