"use strict";(()=>{var t=(()=>{try{return localStorage.getItem("latentdo-theme")}catch{return null}})();(t==="light"||t==="dark")&&(document.documentElement.dataset.theme=t);})();
