export const isTest = (path: string): boolean => /(?:^|\/)(?:tests?|__tests__)\/|\.(?:test|spec)\./.test(path)
