#!/usr/bin/env -S strand -q
/*
 * kmemstat.d - objects taken from each slab cache and given back, every second.
 *
 * Probes: the tracepoints kmem_cache_alloc and kmem_cache_free. With -p or -c only those of
 * that process.
 */
sdt:kmem::kmem_cache_alloc
/$target == 0 || pid == $target/
{
	@allocs[stringof(args[2]->name)] = count();
}

sdt:kmem::kmem_cache_free
/$target == 0 || pid == $target/
{
	@frees[stringof(args[2]->name)] = count();
}

tick-1s, END
{
	printf("%8s %8s %s\n", "ALLOCS", "FREES", "SLAB");
	printa("%@8u %@8u %s\n", @allocs, @frees);
	trunc(@allocs);
	trunc(@frees);
}
