/**
 * The element with this id.
 * @throws {TypeError} when the page has none of that kind.
 */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new TypeError(`Cannot find #${id} in the page`);
  return element;
}

/** Set the text of the element with this id, if that changes it. */
export function setText(id: string, text: string): void {
  const element = byId(id, HTMLElement);
  if (element.textContent !== text) element.textContent = text;
}

/** A new element with text in it. */
export function create(tag: string, text = "", className = ""): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  return element;
}

/** A figure with its unit set smaller. */
export function setFigure(id: string, value: string, unit: string): void {
  byId(id, HTMLElement).replaceChildren(value, create("small", ` ${unit}`));
}

/** The value of a colour of the style sheet, which differs between light and dark. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
