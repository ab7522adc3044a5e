// 大字版, on every page: a classic script in the head, so that the page is never first seen in small print, and so that
// it works in browsers too old for modules. The choice is the only thing this site ever remembers on a device.
(function () {
  "use strict";
  var KEY = "large-print";
  var root = document.documentElement;

  function remembered() {
    try {
      return localStorage.getItem(KEY) === "yes";
    } catch (refused) {
      return false; // storage is switched off: the choice then lasts for this page only
    }
  }

  function remember(large) {
    try {
      if (large) {
        localStorage.setItem(KEY, "yes");
      } else {
        localStorage.removeItem(KEY);
      }
    } catch (refused) {
      // as above
    }
  }

  function show(large) {
    root.classList.toggle("large-print", large);
  }

  show(remembered());

  document.addEventListener("DOMContentLoaded", function () {
    var button = document.getElementById("large-print");
    function tell() {
      button.setAttribute("aria-pressed", String(root.classList.contains("large-print")));
    }
    button.hidden = false;
    tell();
    button.addEventListener("click", function () {
      var large = !root.classList.contains("large-print");
      show(large);
      remember(large);
      tell();
    });
  });
})();
