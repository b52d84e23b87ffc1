BEGIN /0/ { printf("never\n"); }
BEGIN /1/ { printf("always\n"); x = 5; }
BEGIN /x == 5 && x < 6/ { printf("both\n"); }
BEGIN /!x/ { printf("never\n"); }
BEGIN /curthread/ { printf("pointer\n"); exit(0); }
