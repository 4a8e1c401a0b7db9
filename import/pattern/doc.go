// Package pattern turns regular expressions into paths of routes, where these can say what the expressions do: literals,
// alternatives, segments without a slash, and anything at the end. It is made of functions of strings only.
package pattern
