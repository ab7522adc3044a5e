// What a page is asked for stands in its address (public pages only: a query of records never does).

const asked = new URLSearchParams(location.search);

/** One parameter of the address if it has the right form, otherwise "". */
export function parameter(name, form) {
  const value = asked.get(name) || "";
  return form.test(value) ? value : "";
}

export const REGION = /^23\d{4}$/;
export const YEAR = /^20\d{2}$/;
export const CODE = /^[a-z0-9-]{1,60}$/;
export const SLOT = /^\d{4}[0-9A-Z_-]{0,21}$/;
export const NUMBER = /^[1-9]\d{0,3}$/;
export const WORDS = /^.{1,30}$/;

/** A page of ours with parameters; empty ones are left out. */
export function address(page, parameters) {
  const query = Object.keys(parameters)
    .filter((name) => parameters[name])
    .map((name) => `${name}=${encodeURIComponent(parameters[name])}`)
    .join("&");
  return query ? `${page}.html?${query}` : `${page}.html`;
}
