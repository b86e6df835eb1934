//! The marks that programs leave in their agent strings. Names are public knowledge; where a shape tells more than a
//! name (a contact address, an engine, an app's build) the shape is here, so that programs nobody has heard of are told
//! too. Which mark outweighs which is decided in `kind`; the long list of crawlers' names is in `data/clients`.

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// One of Zendesk's own apps.
    Ours,
    /// An HTTP client that names itself first.
    Library,
    /// An HTTP client named anywhere: somebody's program was built with it.
    BuiltWith,
    /// A crawler, monitor, link preview or feed reader that says so.
    Crawler,
    /// A contact address as crawlers write it.
    Contact,
    /// What a program says that is no browser: it counts where no engine is named.
    Robotic,
    /// A browser driven by a program.
    Driven,
    /// A browser by its name.
    NamedBrowser,
    /// An app by its name.
    NamedApp,
    /// The shape of an app: its build, its device, a web view inside it.
    App,
    /// The shape of an app, in a string that does not begin as a browser's.
    AppLine,
    /// What an Android program sends that gave itself no name: it may be an app's or a script's.
    Nameless,
    /// The engine of a browser.
    Engine,
    /// A device with a screen: what crawlers and libraries do not have.
    Device,
    /// A telephone, or what is like one.
    Phone,
    /// Begins as a browser does.
    Mozilla,
    /// Begins as browsers of this century do.
    Modern,
    /// `compatible`, as crawlers say it and as browsers said it long ago.
    Compatible,
    /// A browser of those days.
    OldBrowser,
}

/// One pattern over bytes: what goes before, one of these words (patterns themselves, with `\x20` for a space), what
/// goes after.
pub(super) struct Row {
    pub(super) mark: Mark,
    before: &'static str,
    words: &'static str,
    after: &'static str,
}

impl Row {
    pub(super) fn pattern(&self) -> String {
        let words: Vec<&str> = self.words.split_whitespace().collect();
        format!("{}(?:{}){}", self.before, words.join("|"), self.after)
    }
}

const fn row(mark: Mark, before: &'static str, words: &'static str, after: &'static str) -> Row {
    Row { mark, before, words, after }
}

/// A name at the beginning, and nothing that would make it another name.
const FIRST: &str = "(?i)^";
const NAME_ENDS: &str = r"(?:[/ (:;]|-?v?\d|$)";

/// Any part of the string, in any case; in this case.
const ANYWHERE: &str = "(?i)";
const EXACTLY: &str = "";

pub(super) const ROWS: &[Row] = &[
    // The Support app: by the SDK that the Android app is built on, by its bundle, by its name beside its system.
    row(Mark::Ours, FIRST, r"zendesk-sdk/", ""),
    row(Mark::Ours, ANYWHERE, r"com\.zendesk\.(?:agent|android|support|sell|chat)", ""),
    row(
        Mark::Ours,
        r"(?i)^zendesk(?:[ _-]|%20)?(?:support|agent|chat|messaging|sell)?(?:-?(?:ios|android))?/[\d.]+ .*",
        r"ios android darwin iphone ipad okhttp",
        "",
    ),
    row(
        Mark::Library,
        FIRST,
        r"curl libcurl(?:-agent)? pycurl wget2? aria2 axel httpie xh insomnia bruno-runtime paw hoppscotch soapui apache-jmeter
        postman\w* rapidapi httpx aiohttp grequests requests urllib[23]? urlgrabber niquests treq zenpy pip uv poetry
        conda twine c?python(?:-[a-z0-9]+)?
        axios node-fetch node(?:\.js|-superagent|-zendesk|-http)? undici got superagent needle deno bun npm yarn pnpm
        guzzle(?:http)? symfony http_request2? zend_http laminas php(?:-curl-class)? pecl composer zendeskapi
        libwww-perl lwp(?:-\w+|::\w+)? www-mechanize http-tiny http::\w+ mojolicious perl(?:client)? pcore-http
        ruby faraday httparty rest-client typhoeus excon http\.rb mechanize carrierwave down httpclient em-http bundler
        restsharp flurl dotnet \.net mono refit dart reqwest hyper ureq isahc surf attohttpc rust cargo
        hackney erlang tesla mint finch req elixir haskell http-client lua-resty-http luasocket resty-requests
        boto3? botocore aws-(?:cli|sdk\S*) azsdk\S* s3fs jets3t gcloud google-api-\S+ git git-lfs git-annex svn rclone
        restic ansible-httpget terraform kubectl helm docker containerd buildah podman skopeo
        winhttp microsoft\x20bits libsoup gstreamer lavf ffmpeg urlfetch url/emacs
        filedownloader prdownloader free\x20download\x20manager fdm",
        NAME_ENDS,
    ),
    row(
        Mark::Library,
        FIRST,
        r"apache-http jakarta\x20commons-http commons-http google-http-java async-http-client ahc/ reactornetty vert\.x
        jersey/ resteasy unirest- feign/ spring/ jetty/ akka-http pekko-http scalaj-http sttp clj-http http-kit babashka
        (?:network-)?okhttp3?(?:/|$) quic-go fasthttp/ nukosuke/go-zendesk @?zendesk/zcli java/?\d
        go\x20\d\S*\x20package\x20http go-http-client go-resty go-[a-z]+/v?\d golang esp(?:32|8266)
        symfony\x20httpclient mozilla/4\.0\x20\(windows[^)]*\)\x20java/\d mozilla/5\.0\x20\(python-urllib",
        "",
    ),
    // PowerShell says that it is Mozilla on its system, and then its name.
    row(Mark::Library, "", r"(?:^|[\x20)])(?:Windows)?PowerShell/\d AnyEvent-HTTP/ \bjsdom/ sindresorhus/got", ""),
    row(
        Mark::BuiltWith,
        ANYWHERE,
        r"okhttp3? libwww-perl libcurl http[-_\x20]?client http python-requests aiohttp guzzle axios restsharp urllib3?
        requests libsoup",
        r"[/-]v?\d",
    ),
    row(
        Mark::BuiltWith,
        ANYWHERE,
        r"http[\x20_-]?client -http(?:/|$) \bpython/\d sdk-(?:java|go|php|ruby|python|net|js|cpp)",
        "",
    ),
    // Robots that name themselves, in browsers' clothes or not. `Cubot` makes phones.
    row(Mark::Crawler, r"(?i)(?:[^u]|[^c]u|^u?)", "bots?", "(?:[^a-z]|$)"),
    row(Mark::Crawler, EXACTLY, r"[a-z]bot[A-Z]", ""),
    row(
        Mark::Crawler,
        ANYWHERE,
        r"crawl spider scrap(?:er|ing) slurp \bnutch heritrix archive\.org ia_archiver httrack mediapartners adsbot
        storebot externalhit externalua facebookexternal link\x20?preview web\x20?preview urlpreview bingpreview
        preview/\d link\x20?expander urldownloader transcoder favicon lighthouse pagespeed pingdom uptime statuscake
        site24x7 gtmetrix newrelic datadog synthetic ptst/ catchpoint dynatrace ruxit nagios zabbix ^munin health-?check
        \bdcv\b ^k6/ ^whatsapp/ mail\x20?proxy mail\.\S+\x20proxy via\x20ggpht google(?:bot|other|imageproxy) scanner
        zgrab masscan libredtail ^hello,?\x20?world ^hakai/ lolisec",
        "",
    ),
    row(Mark::Crawler, ANYWHERE, r"mailto: compatible;[^)]*(?:https?://|www\.|@)", ""),
    // A browser closes the parenthesis after `like Gecko`.
    row(Mark::Crawler, EXACTLY, r"\(KHTML,\x20?like\x20Gecko;", ""),
    row(Mark::Crawler, r"(?:^|[ (;])", r"Google(?:-[a-z]|-?[A-Z])[A-Za-z-]+", r"(?:/[\d.]+)?(?:[;)]|$)"),
    row(
        Mark::Crawler,
        r"(?i)(?:url|site|link|web|page|seo|proxy|domain|email|mail|port|vuln|security|internet|image|tls|ssl|dns|http)[ _-]?",
        "check scan monitor audit validat verif inspect analy resolv extract prox[iy] fetch measure survey research test
        tools map",
        "",
    ),
    row(
        Mark::Crawler,
        r"(?i)(?:^|[ /_-])",
        "scan audit checker validator verifier fetcher extractor monitor(?:ing)? measurement diagnostics discovery
        inspector indexer crusader analyzer",
        r"(?:[/ ;)-]|$)",
    ),
    row(
        Mark::Crawler,
        "(?i)[a-z]",
        "checker validator verifier fetcher extractor monitor measurement diagnostics discovery inspector indexer
        analyzer resolver",
        r"/\d",
    ),
    // Feed readers.
    row(
        Mark::Crawler,
        ANYWHERE,
        r"feed \brss\b rss_ rssowl rssbandit newsblur netnewswire readkit ^reeder/ akregator liferea newsbeuter newsboat
        podder subscribers ^pulp/ omea\x20reader newsgator apple-pubsub playapod castero castget",
        "",
    ),
    row(Mark::Contact, ANYWHERE, r"\+\x20?https?://", ""),
    row(
        Mark::Robotic,
        ANYWHERE,
        r"https?: www\. [\w.-]+@[\w-]+\.[a-z] \w\x20at\x20\w+\x20dot\x20\w \.(?:com|net|org|io|eu|co)(?:/|\)|$) contact
        robot search engine index scan check monitor prob audit research verif valid fetch pars extract harvest collect
        preview ping\b agent sitemap seo\b analy spam secur ads\b ad- filter proxy prometheus gobuster nmap nikto sqlmap
        nuclei dirb jndi: test",
        "",
    ),
    row(
        Mark::Driven,
        ANYWHERE,
        r"headless phantomjs slimerjs casperjs playwright puppeteer selenium webdriver cypress/ testcafe nightmare/
        htmlunit splash\x20(?:version|\() ghost\.py jbrowserdriver ghost\x20inspector zombie\.js browserless browser-use
        chromedp functionize webpagetest",
        "",
    ),
    // Browsers that an assistant drives on its own.
    row(
        Mark::Driven,
        EXACTLY,
        r"Google-Agent GoogleAgent- \bManus-User TwinAgent AmazonBuyForMe AgentCore-Browser Anchor\x20Browser \bDevin/",
        "",
    ),
    row(Mark::NamedBrowser, ANYWHERE, r"browser(?:hd|lite|ng|mini)?[/\x20\d(] browser$", ""),
    row(
        Mark::NamedBrowser,
        FIRST,
        r"edge/ safari[/\d] mobilesafari/ omniweb aloha/ brave opera ucweb maxthon vivaldi firefox/ chrome/ chromium
        hotjava dillo e?links lynx w3m netsurf konqueror docomo kddi j-phone softbank vodafone juc\x20 ncsa_mosaic
        bunjalloo palmscape amigavoyager iphone(?:\d|x|se)\w*$ ipodtouch smarttv_ googleearth/ tv\x20bro/",
        "",
    ),
    row(
        Mark::NamedBrowser,
        EXACTLY,
        r"OPR/ OPX/ OPT/ \bEdgA?/ EdgiOS/ CriOS/ FxiOS/ YaBrowser/ YaSearchBrowser YandexSearch Vivaldi/ Brave Puffin/
        Ghostery DuckDuckGo/ Ddg/ ddg_(?:ios|android) Focus/ Klar/ Silk/ Whale/ UCBrowser MiuiBrowser Mint\x20Browser
        Sleipnir/ Ecosia QwantMobile Maxthon SznProhlizec PHX/ SogouMSE LieBaoFast ACHEETAHI AvantBrowser Beaker Sizzy/ Polypane/ MxNitro
        Min/\d bline/ Nuviu Kitt/ Stadium/ UP\.Browser UP\.Link NetFront Obigo Teleca Dolfin Openwave MIDP-\d HbbTV/
        CE-HTML SMART-TV NETTV/ BrightSign/ Opera\x20?Mini Opera\x20Mobi POLARIS Polaris\x20 NetPositive Oregano KUN/
        BlackBerry\d",
        "",
    ),
    row(
        Mark::NamedApp,
        EXACTLY,
        r"FBA[NV]/ FB_IAB Instagram Barcelona\x20\d MicroMessenger WeChat Weibo __weibo__ AliApp\( DingTalk baiduboxapp
        BaiduBoxApp baiduinput tieba/ \bQQ/\d QQMusic TencentDocs \bGSA/ GoogleApp/ \bLine/\d NAVER\( KAKAOTALK KakaoTalk
        Twitter Snapchat Pinterest/ \[Pinterest LinkedInApp TikTok musical_ly trill_ aweme BytedanceWebview TopBuzz
        NewsArticle WhatsApp Viber Telegram Discord Slack/ Slack_SSB Teams/ Zalo BingWeb BingSapphire YJApp Flipboard
        Crosswalk/ SogouSearch Kik/ Spotify Spreaker AirGClient GmmClient GNews Surfshark FSCDCSafe",
        "",
    ),
    row(
        Mark::NamedApp,
        FIRST,
        r"word/ excel/ outlook teams skype oc/\d amazon;aft pod[a-z]+(?:[/\x20]|$) garmin bose/ soundon/ servestream
        handbrake androiddownloadmanager monazilla",
        "",
    ),
    row(
        Mark::NamedApp,
        ANYWHERE,
        r"microsoft\x20office onedrive onenote lync/ citrix cwawebview webex zoom/ nextcloud mirall/ dropbox evernote
        globalprotect obsidian/ notion/ figma/ signal- tvdesktop era\x20agent razer ccleaner/
        microsoft-(?:cryptoapi|delivery) netflix gibbon/ itunes/ applecoremedia stagefright exoplayer vlc/ kodi/ winamp
        iptv tivimate podcast podkicker antennapod overcast pocket\x20?casts beyondpod rssradio castbox castro stitcher
        podbean iheart tunein audible pandora deezer soundcloud doggcatcher downcast procast podclipper radiopublic
        podverse podimo castamatic goodpods fountain/ laughable luminary icatcher \bplayer\b radio music \x20fm/ \bfm$
        podcatcher victorreader bullhorn ivoox",
        "",
    ),
    row(
        Mark::App,
        EXACTLY,
        r"CFNetwork/ Dalvik/ Electron/ Alamofire/ AFNetworking Cronet/ ExoPlayerLib \bScale/\d scale=\d ;?\x20?build:\d
        \bFlutter android-flutter react-native Cordova AppName/ appname/ NetType/ WebViewApp _app_ \bWKWebView UIWebView",
        "",
    ),
    // An iPhone's web view says no `Safari/`; behind it stands the app.
    row(
        Mark::App,
        r"(?:iPhone|iPad|iPod)[^)]*\) AppleWebKit/[\d.+]+ \(KHTML, ?like Gecko\) ?;? ?",
        r"iPhone/[\d.]+\x20 Mobile/\w+\x20",
        r"\[?[A-Za-z_][^S]*[/\]_ ][^S]*$",
    ),
    // Protected browsing of security suites: their name, then what Safari says.
    row(
        Mark::App,
        r"like Gecko\) [A-Za-z]+/[\d.]+ ",
        r"(?:Mobile/\w+\x20)?Version/[\d.]+\x20(?:Mobile/\w+\x20)?Safari",
        "",
    ),
    row(Mark::App, r"Safari/[\d.]+ \(?;?[ (]?[A-Za-z ]*", "Android iOS iPhone", "[/ ]"),
    row(
        Mark::AppLine,
        r"(?i)[a-z][-_ .]?",
        r"(?:ios|android|iphone|ipad|macos|osx)(?:app)?[/\x20-]v?\d -(?:ios|android|macos)\b
        (?:ios|android)[\x20_-]?app\b",
        "",
    ),
    row(Mark::AppLine, r"(?i)^(?:com|de|jp|net|org|nl|fr|uk|ru)\.", r"[\w.]+/\d", ""),
    row(
        Mark::AppLine,
        r"(?i)\b(?:com|de|jp|net|nl|fr)\.[a-z][\w-]*\.[\w.-]+",
        r"/\d ; \x20android \x20ios",
        "",
    ),
    row(
        Mark::AppLine,
        r"^[^()]+ \((?:[^)]*\b)?",
        r"iPhone iPad iPod iOS Android Mac\x20?OS Windows/ OS=iOS",
        r"[^)]*\)(?: [^A]|$)",
    ),
    row(
        Mark::Engine,
        ANYWHERE,
        r"gecko/ applewebkit\x20?/?\d trident/ msie mspie presto/ khtml/ goanna/ servo/ blink firefox/ chrome/ navigator
        netscape webkit/\d konqueror netfront opera[/\x20] camino firebird aweb icab safari",
        "",
    ),
    row(
        Mark::Device,
        EXACTLY,
        r"Android iOS iPhone iPad iPod Macintosh Mac\x20OS\x20X X11 Linux CrOS Windows Symbian BlackBerry Tizen webOS
        SmartTV PlayStation Nintendo Xbox KAIOS OpenHarmony",
        "",
    ),
    row(Mark::Nameless, EXACTLY, r"^Dalvik/[\d.]+\x20\([^)]*\)$", ""),
    row(Mark::Phone, EXACTLY, r"Android \biOS iPhone iPad watchOS tvOS Apple\x20?Watch Watch\d,", ""),
    row(Mark::Mozilla, ANYWHERE, r"mozilla[/\x20]\d", ""),
    row(Mark::Modern, FIRST, r"mozilla/5\.0", ""),
    row(Mark::Compatible, FIRST, r"mozilla/5\.0\x20\(compatible\x20*[;)]", ""),
    row(
        Mark::OldBrowser,
        ANYWHERE,
        r"msie mspie konqueror opera icab browser u;\x20 cellphone profile/ netscape avantgo netpositive abrowse charon
        voyager linux\x20(?:mips|arm)",
        "",
    ),
];
