// An id number as typed, looked at before anything is sent: a slip of the finger should not cost one of the few tries.
// GB 11643: seventeen digits and a check character by MOD 11-2; the fifteen digits of old cards have none.

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS = "10X98765432";

/** Without blanks and dashes, full-width digits as plain ones, `x` as `X`. */
export function plain(typed) {
  return typed.normalize("NFKC").replace(/[\s-]/g, "").toUpperCase();
}

/** What is wrong with it, in words; "" when nothing is. */
export function fault(typed) {
  const number = plain(typed);
  if (!number) {
    return "请填写身份证号。";
  }
  if (/[^0-9X]/.test(number)) {
    return "身份证号只有数字，最后一位可能是 X，请核对。";
  }
  if (number.length !== 18 && number.length !== 15) {
    return `身份证号应是18位，您填了${number.length}位，请核对。`;
  }
  if (!/^(\d{15}|\d{17}[0-9X])$/.test(number)) {
    return "X 只能是最后一位，请核对。";
  }
  if (number.length === 18 && check(number) !== number[17]) {
    return "身份证号不对，可能有一位按错了，请一位一位核对。";
  }
  return "";
}

function check(number) {
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number(number[index]), 0);
  return CHECKS[sum % 11];
}
