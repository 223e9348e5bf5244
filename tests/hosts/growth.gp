# growth.gp - the table of test_growth as a picture, for docs/hosts.md:
#
#	gnuplot -e "table='bench/results/hosts-growth.txt'; picture='docs/pictures/growth.svg'" growth.gp
set terminal svg size 900,420 font "sans-serif,12" background "white"
set output picture
set multiplot layout 1,2
set logscale xy
set xlabel "hosts"
set xtics (1,2,4,16,64,256,1024)
set xrange [1:1300]
set grid
set key top left
rows(name, ranks) = sprintf("< grep '^%s ' %s | sed 's/^%s *//' | awk '$2 == %d && $1 > 1'", name, table, name, ranks)
set title "Short: steps of the longest chain, 1 rank a host"
set ylabel "steps"
set yrange [1:1000]
plot for [name in '"barrier" "bcast 8 B" "reduce 8 B" "allreduce 8 B" "allgather 8 B"'] \
	rows(name, 1) using 1:3 with linespoints title name
set title "Long: bytes of the busiest host"
set ylabel "times the least possible"
unset logscale y
set yrange [0:3]
plot for [name in '"bcast 16 MiB" "allreduce 16 MiB, doubles" "allreduce 16 MiB, integers" "allgather 64 KiB"'] \
	rows(name, 1) using 1:7 with linespoints title name
unset multiplot
