// Stands in for react-style-singleton, which writes <style> elements that the page's content security policy forbids.
// Its one use is to freeze the page's scroll position behind an open menu; this page never scrolls, so nothing is lost.
export const stylesheetSingleton = () => ({ add: () => {}, remove: () => {} });
export const styleHookSingleton = () => () => {};
export const styleSingleton = () => () => null;
