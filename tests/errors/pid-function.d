//@ build: cc -O1 -o $OUT/user ../providers/user.c
//@ build: cc -O1 -s -o $OUT/stripped ../providers/user.c
//@ run: -c $OUT/user
//@ args: $OUT/stripped
//@ status: 1
/* What isn't there, and what there is instead. */
pid$target:a.out:hiden:entry { }
pid$target::nowhere_at_all:entry { }
pid$target::eihgt:entry { }
pid$target:libnone.so:add:entry { }
pid$target:a.out:add:enter { }
pid$target:a.out:add:fff { }
pid0:::entry { }
pid999999999::main:entry { }
pid:::entry { }
uprobe:$$1:hidden:entry { }
uprobe:$$1:hidden*:entry { }
uprobe:/etc/passwd:main:entry { }
uprobe:/nowhere:main:entry { }
uprobe:::entry { }
