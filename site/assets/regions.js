// Province → city → county: two choosers, of which the second holds the region's code.

import { read } from "./api.js";
import { byId, fill, make } from "./dom.js";

export const PROVINCE = "230000";

const isCity = (code) => code.slice(4) === "00" && code !== PROVINCE;
const cityOf = (code) => (code === PROVINCE ? PROVINCE : `${code.slice(0, 4)}00`);

/** Every region of the province, as `code → name`. */
export async function regionNames() {
  const names = {};
  (await read("regions")).regions.forEach((region) => {
    names[region.code] = region.name;
  });
  return names;
}

/** A region with its city before it: 哈尔滨市 道里区. */
export function fullName(names, code) {
  const own = names[code] || code;
  const city = names[cityOf(code)];
  return code === PROVINCE || isCity(code) || !city || own.indexOf(city) === 0 ? own : `${city} ${own}`;
}

/** Fills `#city` and `#region`; choosing a city lists its counties. */
export function offerRegions(names, chosen) {
  const codes = Object.keys(names).sort();
  const city = byId("city");
  const region = byId("region");
  fill(city, option(PROVINCE, "全省"), ...codes.filter(isCity).map((code) => option(code, names[code])));
  city.value = cityOf(chosen);

  const offerCounties = () => {
    const here = city.value.slice(0, 4);
    const counties = codes.filter((code) => code.slice(0, 4) === here && code.slice(4) !== "00");
    const whole = option(city.value, city.value === PROVINCE ? "全省" : `${names[city.value]}（全市、地区）`);
    fill(region, whole, ...counties.map((code) => option(code, names[code])));
  };
  offerCounties();
  region.value = names[chosen] ? chosen : PROVINCE;
  city.addEventListener("change", offerCounties);
}

function option(value, text) {
  return make("option", { value }, text);
}
