// Province → city → county: two choosers, of which the second holds the region's code.

import { read } from "./api.js";
import { byId, fill, make } from "./dom.js";

export const PROVINCE = "230000";

/** Every region of the province: `{code, name, full_name, level}`. */
export async function allRegions() {
  return (await read("regions")).regions;
}

/** The full names by code. */
export function fullNames(regions) {
  const names = {};
  regions.forEach((region) => {
    names[region.code] = region.full_name;
  });
  return names;
}

/** Fills `#city` and `#region`; choosing a city lists its counties. */
export function offerRegions(regions, chosen) {
  const city = byId("city");
  const region = byId("region");
  const known = regions.some((each) => each.code === chosen) ? chosen : PROVINCE;
  const cities = regions.filter((each) => each.level === "city");
  fill(city, option(PROVINCE, "全省"), ...cities.map((each) => option(each.code, each.name)));
  city.value = known === PROVINCE ? PROVINCE : `${known.slice(0, 4)}00`;

  const offerCounties = () => {
    const here = city.value.slice(0, 4);
    const counties = regions.filter((each) => each.level === "county" && each.code.slice(0, 4) === here);
    const all = city.value === PROVINCE ? "全省" : "不限";
    fill(region, option(city.value, all), ...counties.map((each) => option(each.code, each.name)));
  };
  offerCounties();
  region.value = known;
  city.addEventListener("change", offerCounties);
}

function option(value, text) {
  return make("option", { value }, text);
}
