/** An element of the page that is there from the start. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as T;
}

type Child = Node | string | undefined;

interface Properties {
  readonly class?: string;
  readonly title?: string;
  readonly type?: string;
  readonly dateTime?: string;
  readonly label?: string;
  readonly onClick?: () => void;
}

/** Makes an element; texts in it are texts, whatever characters they have. */
export function make(tag: string, properties: Properties = {}, ...children: Child[]): HTMLElement {
  const element = document.createElement(tag);
  const { class: classes, title, type, dateTime, label, onClick } = properties;
  if (classes) element.className = classes;
  if (title) element.title = title;
  if (type) element.setAttribute("type", type);
  if (dateTime) element.setAttribute("datetime", dateTime);
  if (label) element.setAttribute("aria-label", label);
  if (onClick) element.addEventListener("click", onClick);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}
