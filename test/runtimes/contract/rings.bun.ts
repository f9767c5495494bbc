import "./rings.ts";
