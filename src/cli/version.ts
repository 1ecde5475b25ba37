/** The version of the package; a constant, so that `tandem --version` reads no file. A test holds it to package.json. */
export const VERSION = "0.1.0";
