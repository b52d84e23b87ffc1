//@ name: dtrace
//@ run: -v -e -s
/* A description in which the provider is left open may match anything. */
:::BEGIN { trace(curthread->pid); }
